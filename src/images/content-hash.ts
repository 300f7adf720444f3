import { createHash } from 'node:crypto'
import { type Dirent, lstatSync, readdirSync, type Stats } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'

export type ContextFile = { path: string; stats: Stats }

/**
 * Returns the regular files below `folder` except those in `without`, in a stable order. Without promises:
 * every start asks for 500 files, and one takes 3 µs instead of 25.
 */
export function contextFiles(folder: string, without: readonly string[] = []): ContextFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(folder, join(parentOf(entry), entry.name)))
    .filter(path => !without.includes(path))
    .sort()
    .map(path => ({ path, stats: lstatSync(join(folder, path)) }))
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

// Node 20.11 has `path`, newer releases `parentPath`.
function parentOf(entry: Dirent) {
  return entry.parentPath ?? entry.path
}
