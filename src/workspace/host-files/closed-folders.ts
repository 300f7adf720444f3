import { constants, type Stats } from 'node:fs'
import { chmod, type FileHandle, open, readlink } from 'node:fs/promises'
import { namesOnly, openParentFolder } from '../../files/beneath.ts'

const { O_DIRECTORY, O_NOFOLLOW } = constants

/** Bytes of a folder's path up to which the kernel takes the paths of its entries too. */
const longestPath = 3_500

/**
 * Returns whether a folder of ours keeps us out. An agent with our user can close one in this way: other
 * users still enter it where they know the names in it, and git on the host obeys what is in it.
 */
export function isClosed({ mode, uid }: Pick<Stats, 'mode' | 'uid'>): boolean {
  const ours = process.geteuid?.()
  return ours !== 0 && uid === ours && (mode & 0o500) !== 0o500
}

/**
 * Gives the owner of such a folder its rights back. Follows no symlink, even one that appears meanwhile
 * (threat H2). Returns false when it is no longer a folder of ours.
 */
export async function openClosedFolder(root: string, path: string): Promise<boolean> {
  const place = path === '' ? null : await openParentFolder(root, path).catch(() => null)
  if (path !== '' && place === null) return false
  let folder: FileHandle | null = null
  try {
    folder = await open(place?.folder.at(place.name) ?? root, namesOnly | O_DIRECTORY | O_NOFOLLOW)
    const own = `/proc/self/fd/${folder.fd}`
    if (place === null && (await readlink(own)) !== root) return false
    const status = await folder.stat()
    if (!status.isDirectory() || status.uid !== process.geteuid?.()) return false
    await chmod(own, (status.mode & 0o7777) | 0o700)
    return true
  } catch {
    return false
  } finally {
    await folder?.close()
    await place?.folder.close()
  }
}

/**
 * Returns a path of a folder below `root` that is short enough for its entries: an agent can nest folders
 * deeper than any path reaches. Null when it is gone or closed.
 */
export async function reachFolder(
  root: string,
  folder: string,
): Promise<{ path: string; close(): Promise<void> } | null> {
  const path = folder === '' ? root : `${root}/${folder}`
  if (Buffer.byteLength(path) <= longestPath) return { path, close: async () => {} }
  const place = await openParentFolder(root, `${folder}/x`).catch(() => null)
  return place && { path: `/proc/self/fd/${place.folder.file.fd}`, close: place.folder.close }
}
