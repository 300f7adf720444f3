import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Removes a folder, but none of the paths in `kept` and no folder above one of them. Follows no symlink.
 * Returns whether all of it was removed.
 */
export async function removeFolder(path: string, kept: readonly string[]): Promise<boolean> {
  if (kept.includes(path)) return false
  if (!kept.some(other => other.startsWith(`${path}/`))) {
    await rm(path, { recursive: true, force: true })
    return true
  }
  const status = await lstat(path)
  // A kept path below a symlink is elsewhere; the link is not ours to follow.
  if (!status.isDirectory()) return false
  for (const name of await readdir(path)) await removeFolder(join(path, name), kept)
  return false
}
