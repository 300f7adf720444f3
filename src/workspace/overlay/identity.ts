import type { Stats } from 'node:fs'

/**
 * Distinguishes a file from its replacement. Includes the birth time, because file systems reuse inode
 * numbers: after two replacements the number can be the first again.
 */
export function identityOf({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}`
}
