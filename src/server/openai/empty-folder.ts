import { opendir, rmdir, unlink } from 'node:fs/promises'
import { systemCode } from '../../base/errors.ts'
import { descend, type OpenFolder, openRootFolder } from '../../files/beneath.ts'
import { nameOfBytes } from '../../files/byte-names.ts'

/** Each level holds a descriptor. A deeper folder was made to exhaust them. */
const mostLevels = 64

/**
 * Removes all that a folder has in it. Follows no symlink: another run may put one in the place of a folder at
 * any moment (threat H2). Throws when something remains.
 */
export async function emptyFolder(folder: OpenFolder, levels = mostLevels): Promise<void> {
  if (levels === 0) throw new Error('the folder has too many levels')
  const path = `/proc/self/fd/${folder.file.fd}`
  for await (const entry of await opendir(path, { encoding: 'latin1', bufferSize: 256 })) {
    const name = nameOfBytes(Buffer.from(entry.name, 'latin1'))
    if (!(await isFolderLeft(folder, name))) continue
    const inner = await openInner(folder, name)
    if (inner === null) continue
    try {
      await emptyFolder(inner, levels - 1)
    } finally {
      await inner.close()
    }
    await rmdir(folder.at(name))
  }
}

/** Removes anything but a folder. */
async function isFolderLeft(folder: OpenFolder, name: string): Promise<boolean> {
  try {
    await unlink(folder.at(name))
    return false
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT') return false
    // Linux has the first, POSIX the second.
    if (code === 'EISDIR' || code === 'EPERM') return true
    throw error
  }
}

async function openInner(folder: OpenFolder, name: string): Promise<OpenFolder | null> {
  const again = await openRootFolder(`/proc/self/fd/${folder.file.fd}`)
  const { folder: inner, stopped } = await descend(again, [name])
  if (stopped === null) return inner
  await inner.close()
  if (stopped === 'missing') return null
  throw new Error('a folder was replaced while it was removed')
}
