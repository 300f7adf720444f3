import { openEntry } from '../../tenants/files/entry.ts'
import type { Target } from '../../tenants/files/target.ts'
import { HttpError } from '../../tenants/http-error.ts'

/** Maximum size of a file that a model reads as text, in bytes. */
const textBytes = 4 * 1024 * 1024

/**
 * Reads a file as text. Throws for one that is too large, or not text: a model gets no part of a file without
 * knowing.
 */
export async function readText(
  root: string,
  target: Target,
  hold: (bytes: number) => void,
): Promise<string> {
  const entry = openEntry(root, target)
  if (entry.kind === 'folder') {
    await entry.folder.close()
    throw new HttpError(400, `is a directory: ${target.asked || '/'}`)
  }
  try {
    if (entry.stats.size > BigInt(textBytes)) throw tooLarge(target)
    // The agent may write to it meanwhile: one byte more than it had tells.
    const size = Number(entry.stats.size)
    hold(size * 2)
    const bytes = Buffer.alloc(size + 1)
    let read = 0
    while (read < bytes.length) {
      const { bytesRead } = await entry.file.read(bytes, read, bytes.length - read)
      if (bytesRead === 0) break
      read += bytesRead
    }
    if (read > size) throw new HttpError(409, `${target.asked} is being written, retry`)
    return decode(bytes.subarray(0, read), target)
  } finally {
    await entry.file.close()
  }
}

function decode(bytes: Buffer, { asked }: Target): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw new HttpError(400, `not UTF-8 text: ${asked}; use GET /files`, { cause: error })
  }
}

function tooLarge({ asked }: Target) {
  return new HttpError(413, `${asked} is larger than ${textBytes} bytes; use GET /files`)
}
