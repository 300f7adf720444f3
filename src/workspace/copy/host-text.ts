import { lstat, readlink } from 'node:fs/promises'
import { holdFolderOf } from '../../files/beneath.ts'
import { readRegularFile } from '../../files/regular-file.ts'

/** Larger files are not shown. */
export const textLimit = 4 * 1024 * 1024

/** The content of a file of the host, or the target of a link; null when it is missing or too large. */
export async function readHostContent(root: string, path: string): Promise<Buffer | null> {
  const place = await holdFolderOf(root, path).catch(() => null)
  if (!place) return null
  const at = place.folder.at(place.name)
  try {
    const status = await lstat(at).catch(() => null)
    if (status?.isSymbolicLink()) return Buffer.from(await readlink(at))
    const file = await readRegularFile(at, { limit: textLimit })
    return file.kind === 'bytes' ? file.bytes : null
  } finally {
    await place.folder.close()
  }
}
