import { createHash } from 'node:crypto'
import { lstat, readlink } from 'node:fs/promises'
import * as z from 'zod'
import { isMissing } from '../../base/errors.ts'
import { foldersOf, openParentFolder } from '../../files/beneath.ts'
import { nameOfBytes, type SystemPath } from '../../files/byte-names.ts'
import { openRegularFile, readRegularFile } from '../../files/regular-file.ts'
import { Entry } from './entry.ts'

/** A file or symlink of the host, with its full mode and owner, which a copy lacks. */
export const HostState = z.strictObject({
  entry: Entry,
  mode: z.number(),
  uid: z.number(),
  gid: z.number(),
})
export type HostState = z.infer<typeof HostState>

/** Returns the current state of `path` below `root`; null when there is no file or symlink. */
export async function readHostState(
  root: string,
  path: string,
  signal?: AbortSignal,
): Promise<HostState | null> {
  const place = await openParentFolder(root, path)
  if (!place) return null
  const { folder, name } = place
  try {
    const status = await lstat(folder.at(name))
    const owner = { mode: status.mode & 0o7777, uid: status.uid, gid: status.gid }
    if (status.isSymbolicLink()) {
      return { entry: { type: 'link', target: await linkAt(folder.at(name)) }, ...owner }
    }
    return status.isFile() ? { entry: await hashFile(folder.at(name), signal), ...owner } : null
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  } finally {
    await folder.close()
  }
}

async function linkAt(path: SystemPath) {
  return nameOfBytes(await readlink(path, 'buffer'))
}

export async function hashFile(path: SystemPath, signal?: AbortSignal): Promise<Entry> {
  const opened = await openRegularFile(path)
  if (opened.kind !== 'open') throw new Error(`${path} is no longer a regular file`)
  const { file, stats } = opened
  try {
    const hash = createHash('sha256')
    let size = 0
    const buffer = Buffer.allocUnsafe(64 * 1024)
    for (;;) {
      // A sparse file takes hours.
      signal?.throwIfAborted()
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null)
      if (bytesRead === 0) break
      hash.update(buffer.subarray(0, bytesRead))
      size += bytesRead
    }
    return {
      type: 'file',
      sha256: hash.digest('hex'),
      executable: (stats.mode & 0o100) !== 0,
      size,
    }
  } finally {
    await file.close()
  }
}

/** A folder with the attributes to create it again. */
export const HostFolder = z.strictObject({
  path: z.string(),
  mode: z.number(),
  uid: z.number(),
  gid: z.number(),
})
export type HostFolder = z.infer<typeof HostFolder>

/** Returns the parent folders of a path: the existing and the missing ones. */
export async function readHostFolders(root: string, path: string) {
  const present: HostFolder[] = []
  const missing: string[] = []
  for (const folder of foldersOf(path)) {
    const place = await openParentFolder(root, folder).catch(() => null)
    const status = place && (await lstat(place.folder.at(place.name)).catch(() => null))
    await place?.folder.close()
    if (status?.isDirectory()) {
      const { mode, uid, gid } = status
      present.push({ path: folder, mode: mode & 0o7777, uid, gid })
    } else missing.push(folder)
  }
  return { present, missing }
}

/** Maximum bytes of a file that `diff` shows. */
export const textLimit = 4 * 1024 * 1024

/** Returns the content of a host file or the target of a symlink; null when it is missing or too large. */
export async function readHostContent(root: string, path: string): Promise<Buffer | null> {
  const place = await openParentFolder(root, path).catch(() => null)
  if (!place) return null
  const at = place.folder.at(place.name)
  try {
    const status = await lstat(at).catch(() => null)
    if (status?.isSymbolicLink()) return readlink(at, 'buffer')
    const file = await readRegularFile(at, { limit: textLimit })
    return file.kind === 'bytes' ? file.bytes : null
  } finally {
    await place.folder.close()
  }
}
