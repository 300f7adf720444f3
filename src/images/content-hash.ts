import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

export type ContextFile = { path: string; stats: Stats }

/**
 * Returns the regular files below `folder` except those in `without`, in a stable order. Without promises:
 * every start asks for 650 files, and one takes 3 µs instead of 25. Without `recursive`, which takes twice as long.
 */
export function contextFiles(folder: string, without: readonly string[] = []): ContextFile[] {
  return pathsBelow(folder, '')
    .filter(path => !without.includes(path))
    .sort()
    .map(path => ({ path, stats: lstatSync(`${folder}/${path}`) }))
}

function pathsBelow(folder: string, below: string): string[] {
  return readdirSync(`${folder}/${below}`, { withFileTypes: true }).flatMap(entry => {
    const path = `${below}${entry.name}`
    return entry.isDirectory() ? pathsBelow(folder, `${path}/`) : entry.isFile() ? path : []
  })
}

/** Returns a hash of the bytes and executable bits of all files of a build context. */
export async function hashContext(
  folder: string,
  without: readonly string[] = [],
): Promise<string> {
  const hash = createHash('sha256')
  for (const { path, stats } of contextFiles(folder, without)) {
    const content = await readFile(join(folder, path))
    hash.update(JSON.stringify([path, Boolean(stats.mode & 0o100), content.length]))
    hash.update(content)
  }
  return hash.digest('hex')
}

/**
 * Returns a value that changes whenever a file's bytes may have changed; needs one lstat per file.
 */
export function fingerprint(files: readonly ContextFile[]): string {
  const rows = files.map(({ path, stats }) => [
    path,
    stats.size,
    stats.mtimeMs,
    stats.ctimeMs,
    stats.mode,
  ])
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex')
}

export function shortHash(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 12)
}
