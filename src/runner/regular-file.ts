import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

/**
 * The text of a file that an agent may have made: not a link, and not a pipe that would keep us
 * waiting. Null where there is no such file, or more than `most` bytes.
 */
export function readRegularFile(path: string, most: number): string | null {
  let file: number
  try {
    file = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
  } catch {
    return null
  }
  try {
    const stats = fstatSync(file)
    if (!stats.isFile() || stats.size > most) return null
    const bytes = Buffer.alloc(stats.size)
    const count = readSync(file, bytes, 0, bytes.length, 0)
    return bytes.toString('utf8', 0, count)
  } finally {
    closeSync(file)
  }
}
