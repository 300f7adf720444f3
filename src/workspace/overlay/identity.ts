import type { Stats } from 'node:fs'

/**
 * Tells a file from the one that replaces it. With its time of birth, because the number of a deleted
 * file is soon that of a new one: two replacements, and the number is the first again.
 */
export function identityOf({ dev, ino, birthtimeMs }: Stats): string {
  return `${dev}:${ino}:${birthtimeMs}`
}
