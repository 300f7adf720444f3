import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * The text of a file that an agent may have made: not a link, and not a pipe that would keep us
 * waiting. Null where there is no such file, or more than `most` bytes.
 */
export function readRegularFile(path: string, most: number): string | null {
  return readPart(path, size => (size > most ? null : { from: 0, length: size }))
}

/** The last bytes of such a file. */
export function readTail(path: string, most: number): string | null {
  return readPart(path, size => ({ from: Math.max(0, size - most), length: Math.min(size, most) }))
}

function readPart(
  path: string,
  part: (size: number) => { from: number; length: number } | null,
): string | null {
  let file: number
  try {
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch {
    return null
  }
  try {
    const stats = fstatSync(file)
    const wanted = stats.isFile() ? part(stats.size) : null
    if (!wanted) return null
    const bytes = Buffer.alloc(wanted.length)
    const count = readSync(file, bytes, 0, bytes.length, wanted.from)
    return bytes.toString('utf8', 0, count)
  } finally {
    closeSync(file)
  }
}
