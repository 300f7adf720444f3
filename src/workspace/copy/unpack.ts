import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import { extract } from 'tar-stream'
import { UserError } from '../../errors.ts'
import type { Entry } from './entry.ts'
import { safeRelativePath } from './relative-path.ts'

export type CopiedItem = {
  path: string
  entry: Entry
  /** The whole content; only for the paths that were asked for, and only up to `contentLimit`. */
  content?: Buffer
}

/** Entries that one copy may hold, and bytes of content kept in memory for one file. */
const bounds = { entries: 2_000_000, content: 64 * 1024 * 1024 }

/** The engine begins every name with that of the folder it was asked for. */
const folder = 'workspace/'

/**
 * Reads the tar stream of a copy, entry by entry. Nothing is unpacked onto the host: paths that could
 * leave the folder, devices, pipes and sockets are passed over.
 */
export async function* readCopy(
  tar: Readable,
  wantsContent: (path: string) => boolean,
): AsyncGenerator<CopiedItem> {
  const entries = extract()
  tar.on('error', error => entries.destroy(error))
  tar.pipe(entries)
  const seen = new Map<string, Entry>()
  for await (const item of entries) {
    if (seen.size > bounds.entries) throw tooMany()
    const { name, type, linkname, mode = 0 } = item.header
    const path = insidePath(name)
    if (path !== null && type === 'symlink') {
      const entry: Entry = { type: 'link', target: linkname ?? '' }
      seen.set(path, entry)
      yield { path, entry }
    } else if (path !== null && type === 'file') {
      const { entry, content } = await readFileItem(item, mode, wantsContent(path))
      seen.set(path, entry)
      yield { path, entry, ...(content && { content }) }
    } else if (path !== null && type === 'link') {
      // A second name of a file that came before.
      const entry = seen.get(insidePath(linkname ?? '') ?? '')
      if (entry) yield { path, entry }
    }
    item.resume()
  }
}

function insidePath(name: string): string | null {
  return name.startsWith(folder)
    ? safeRelativePath(name.slice(folder.length).replace(/\/$/, ''))
    : null
}

async function readFileItem(item: AsyncIterable<unknown>, mode: number, keep: boolean) {
  const hash = createHash('sha256')
  const kept: Buffer[] = []
  let size = 0
  for await (const chunk of item as AsyncIterable<Buffer>) {
    hash.update(chunk)
    size += chunk.length
    if (keep && size <= bounds.content) kept.push(chunk)
  }
  const executable = (mode & 0o100) !== 0
  const entry: Entry = { type: 'file', sha256: hash.digest('hex'), executable, size }
  return { entry, content: keep && size <= bounds.content ? Buffer.concat(kept) : undefined }
}

function tooMany() {
  return new UserError(`the copy holds more than ${bounds.entries} files`, {
    hint: 'remove what the agent made too much of, with ./claude.ts shell',
  })
}
