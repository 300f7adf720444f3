import { constants, lstatSync, type Stats } from 'node:fs'
import { chmod, open } from 'node:fs/promises'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { openParentFolder } from '../../files/beneath.ts'
import { readFolderSync, systemPath } from '../../files/byte-names.ts'

/** Files whose mode gives more than an agent may: what they run as, and who may write them. */
export type LooseModes = {
  /** Files with setuid or setgid bits: another user who runs one becomes the owner of the folder. */
  setuid: string[]
  /** Files and folders that every user of the machine may write. */
  writable: string[]
  /** The reason why not all files were checked. */
  cutOff: string | null
}

export type ModeBounds = { entries: number; milliseconds: number }

const bounds: ModeBounds = { entries: 200_000, milliseconds: 1_500 }

/** Milliseconds of synchronous work between two turns of signals and timers. */
const slice = 20

const setuidBits = 0o6000

/**
 * Finds such files below `root` that changed after `since`, in milliseconds since 1970: each change of a
 * mode sets the time. Ignores the setgid bit of folders, which passes a group on, and writable paths where
 * the file system lets every user write everywhere.
 */
export async function findLooseModes(
  root: string,
  since: number,
  { entries, milliseconds }: ModeBounds = bounds,
): Promise<LooseModes> {
  const found: LooseModes = { setuid: [], writable: [], cutOff: null }
  const top = lstatSync(root, { throwIfNoEntry: false })
  const judgeWritable = top !== undefined && !isOpenToAll(top)
  const deadline = performance.now() + milliseconds
  let rested = performance.now()
  let left = entries
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (left <= 0) found.cutOff = `there are more than ${entries} files`
    if (performance.now() > deadline) found.cutOff = `it took more than ${milliseconds / 1000} s`
    if (found.cutOff) break
    for (const name of namesIn(join(root, folder))) {
      left--
      const path = folder === '' ? name : `${folder}/${name}`
      const status = statusOf(join(root, path))
      if (status === null || status.isSymbolicLink()) continue
      if (status.isDirectory()) folders.push(path)
      if (status.ctimeMs < since) continue
      if (status.isFile() && (status.mode & setuidBits) !== 0) found.setuid.push(path)
      if (judgeWritable && isOpenToAll(status)) found.writable.push(path)
    }
    if (performance.now() - rested > slice) {
      await setImmediate()
      rested = performance.now()
    }
  }
  found.setuid.sort()
  found.writable.sort()
  return found
}

function isOpenToAll(status: Stats) {
  const isSticky = status.isDirectory() && (status.mode & 0o1000) !== 0
  const hasMode = status.isFile() || status.isDirectory()
  return hasMode && (status.mode & 0o002) !== 0 && !isSticky
}

/** Names of a folder; none when it disappeared or its owner closed it. */
function namesIn(path: string): string[] {
  try {
    return readFolderSync(path).map(({ name }) => name)
  } catch {
    return []
  }
}

function statusOf(path: string): Stats | null {
  try {
    return lstatSync(systemPath(path), { throwIfNoEntry: false }) ?? null
  } catch {
    return null
  }
}

/** A descriptor that only names a file: its owner may have made it unreadable. Node.js has no constant for it. */
const O_PATH = 0o10000000

/**
 * Takes setuid and setgid bits off a regular file. Follows no symlink, even one that appears meanwhile
 * (threat H2). Returns false when we may not, or when it is no longer such a file.
 */
export async function clearSetuid(root: string, path: string): Promise<boolean> {
  const place = await openParentFolder(root, path).catch(() => null)
  if (!place) return false
  try {
    const file = await open(place.folder.at(place.name), O_PATH | constants.O_NOFOLLOW)
    try {
      const status = await file.stat()
      if (!status.isFile()) return false
      await chmod(`/proc/self/fd/${file.fd}`, status.mode & 0o7777 & ~setuidBits)
      return true
    } finally {
      await file.close()
    }
  } catch {
    return false
  } finally {
    await place.folder.close()
  }
}
