import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HeldFile } from '../../files/held-file.ts'
import { etagOf, isNotModified, isSameForRange } from '../../tenants/files/conditions.ts'
import { openEntry } from '../../tenants/files/entry.ts'
import type { Target } from '../../tenants/files/target.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { takeOver } from '../plugins/take-over.ts'
import { listFolder } from './listing.ts'
import { parseRange } from './range.ts'
import { encodePercent } from './request-target.ts'
import { sendFilePart } from './send-file.ts'

export type DownloadOptions = {
  root: string
  target: Target
  /** Maximum number of entries in one listing. */
  mostEntries: number
  /** Whether the caller may see an entry of the listed folder. */
  shows: (name: string) => boolean
  /** Takes memory for a listing until its answer is over; throws when there is none. */
  hold: (bytes: number) => void
  /** Milliseconds after which a client that does not read is disconnected. */
  stalledMilliseconds: number
}

/** Answers GET and HEAD: the bytes of a file, or the list of a folder. */
export async function download(
  request: FastifyRequest,
  reply: FastifyReply,
  { root, target, mostEntries, shows, hold, stalledMilliseconds }: DownloadOptions,
): Promise<unknown> {
  const entry = openEntry(root, target)
  if (entry.kind === 'file') {
    try {
      return sendFile(request, reply, target, entry, stalledMilliseconds)
    } catch (error) {
      await entry.file.close()
      throw error
    }
  }
  try {
    const after = new URLSearchParams(request.originalUrl.split('?')[1]).get('after') ?? undefined
    const listing = await listFolder(entry.folder, { most: mostEntries, after, shows, hold })
    return reply.header('cache-control', 'no-store').send({ path: target.asked || '/', ...listing })
  } finally {
    await entry.folder.close()
  }
}

function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  target: Target,
  { file, stats }: { file: HeldFile; stats: Parameters<typeof etagOf>[0] },
  stalledMilliseconds: number,
) {
  const { headers, method } = request
  const etag = etagOf(stats)
  const size = Number(stats.size)
  reply.headers({
    etag,
    'last-modified': new Date(Number(stats.mtimeMs)).toUTCString(),
    'cache-control': 'private, no-cache',
    'accept-ranges': 'bytes',
  })
  if (isNotModified(headers, etag)) return file.close().then(() => reply.code(304).send())
  const range = isSameForRange(headers, etag) ? parseRange(headers.range, size) : null
  if (range === 'unsatisfiable') {
    throw new HttpError(416, 'range not satisfiable', {
      headers: { 'content-range': `bytes */${size}` },
    })
  }
  const { first, last } = range ?? { first: 0, last: size - 1 }
  const length = last - first + 1
  if (range) reply.code(206).header('content-range', `bytes ${first}-${last}/${size}`)
  reply.headers({
    // A workspace's file may be HTML of the agent: it must never run at this server's origin.
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename*=UTF-8''${encodePercent(target.parts.at(-1) ?? '')}`,
    'content-security-policy': "default-src 'none'; sandbox",
    'content-length': length,
  })
  if (method === 'HEAD' || length === 0) return file.close().then(() => reply.send())
  if (length <= chunkBytes) {
    return readPart(file, first, length).then(part => {
      // The file was cut meanwhile: fewer bytes than announced would make the next answer a part of this one.
      if (part.length < length) reply.raw.destroy()
      return reply.send(part)
    })
  }
  const response = takeOver(reply, reply.statusCode)
  response.setTimeout(stalledMilliseconds, () => response.destroy())
  return sendFilePart(response, file, { first, length })
}

const chunkBytes = 128 * 1024

/** Reads a small part whole, which a stream does in several steps, and closes the file. */
async function readPart(file: HeldFile, first: number, length: number): Promise<Buffer> {
  try {
    const part = Buffer.allocUnsafe(length)
    for (let at = 0; at < length; ) {
      const { bytesRead } = await file.read(part, at, length - at, first + at)
      if (bytesRead === 0) return part.subarray(0, at)
      at += bytesRead
    }
    return part
  } finally {
    await file.close()
  }
}
