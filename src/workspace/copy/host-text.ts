import { lstat, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'

const limit = 4 * 1024 * 1024

/** A file of the workspace as text for a diff; null when it is missing, no file, or too large. */
export async function readHostText(root: string, path: string): Promise<string | null> {
  const full = join(root, path)
  const status = await lstat(full).catch(() => null)
  if (status?.isSymbolicLink()) return `link to ${await readlink(full)}\n`
  if (!status?.isFile() || status.size > limit) return null
  return readFile(full, 'utf8')
}
