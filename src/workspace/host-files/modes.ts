import { constants, lstatSync, type Stats } from 'node:fs'
import { chmod, lstat, open } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { systemCode } from '../../base/errors.ts'
import { namesOnly, openParentFolder } from '../../files/beneath.ts'
import { readFolderUpTo, systemPath } from '../../files/byte-names.ts'
import { isClosed, reachFolder } from './closed-folders.ts'

/** Files whose mode gives more than an agent may: what they run as, and who may write them. */
export type LooseModes = {
  /** Files with setuid or setgid bits: another user who runs one becomes the owner of the folder. */
  setuid: string[]
  /** Files and folders that every user of the machine may write. */
  writable: string[]
  /** Folders that the agent closed to their owner, who then cannot look for such files in them. */
  closed: string[]
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
 *
 * @param reopen opens a closed folder of ours that changed since; without it, nothing in it is checked
 */
export async function findLooseModes(
  root: string,
  since: number,
  { entries, milliseconds }: ModeBounds = bounds,
  reopen: (path: string) => Promise<boolean> = async () => false,
): Promise<LooseModes> {
  const found: LooseModes = { setuid: [], writable: [], closed: [], cutOff: null }
  const top = statusOf(root)
  if (top === null || top === 'denied') return found
  const judgeWritable = !isOpenToAll(top)
  const deadline = performance.now() + milliseconds
  let rested = performance.now()
  let left = entries
  let unread: string | null = null
  const folders = [{ path: '', status: top }]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    if (left <= 0) found.cutOff = `there are more than ${entries} files`
    if (performance.now() > deadline) found.cutOff = `it took more than ${milliseconds / 1000} s`
    if (found.cutOff) break
    if (isClosed(folder.status)) {
      const changed = folder.status.ctimeMs >= since
      if (changed) found.closed.push(folder.path)
      if (!changed || !(await reopen(folder.path))) {
        unread ??= folder.path || root
        continue
      }
    }
    const isWhole = await look(folder.path)
    // The agent has the user of the workspace. What other users close, it cannot enter either.
    if (!isWhole && folder.status.uid === top.uid) unread ??= folder.path || root
    if (performance.now() - rested > slice) {
      await setImmediate()
      rested = performance.now()
    }
  }
  if (left < 0) found.cutOff = `there are more than ${entries} files`
  if (unread !== null) found.cutOff ??= `you cannot read the folder ${unread}`
  found.setuid.sort()
  found.writable.sort()
  found.closed.sort()
  return found

  /** Returns whether everything in the folder could be seen. */
  async function look(folder: string): Promise<boolean> {
    const place = await reachFolder(root, folder)
    const names = place && namesIn(place.path, left + 1)
    let isWhole = names !== null
    for (const name of names ?? []) {
      left--
      const path = folder === '' ? name : `${folder}/${name}`
      const status = statusOf(`${place?.path}/${name}`)
      if (status === 'denied') isWhole = false
      if (status === null || status === 'denied' || status.isSymbolicLink()) continue
      if (status.isDirectory()) folders.push({ path, status })
      if (status.ctimeMs < since) continue
      if (status.isFile() && (status.mode & setuidBits) !== 0) found.setuid.push(path)
      if (judgeWritable && isOpenToAll(status)) found.writable.push(path)
    }
    await place?.close()
    return isWhole
  }
}

function isOpenToAll(status: Stats) {
  const isSticky = status.isDirectory() && (status.mode & 0o1000) !== 0
  const hasMode = status.isFile() || status.isDirectory()
  return hasMode && (status.mode & 0o002) !== 0 && !isSticky
}

/** Names of a folder; none when it disappeared, and null when it is closed to us. */
function namesIn(path: string, most: number): string[] | null {
  try {
    return readFolderUpTo(path, most).map(({ name }) => name)
  } catch (error) {
    return systemCode(error) === 'EACCES' ? null : []
  }
}

function statusOf(path: string): Stats | 'denied' | null {
  try {
    return lstatSync(systemPath(path), { throwIfNoEntry: false }) ?? null
  } catch (error) {
    return systemCode(error) === 'EACCES' ? 'denied' : null
  }
}

/**
 * Takes setuid and setgid bits off a regular file. Follows no symlink, even one that appears meanwhile
 * (threat H2). Returns false when we may not, or when it is no longer such a file.
 */
export async function clearSetuid(root: string, path: string): Promise<boolean> {
  const place = await openParentFolder(root, path).catch(() => null)
  if (!place) return false
  try {
    const file = await open(place.folder.at(place.name), namesOnly | constants.O_NOFOLLOW)
    try {
      const status = await file.stat()
      if (!status.isFile() || !(await mayClear(root, status))) return false
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

/** Root changes only files of the folder's owner, who may have made a hard link to a program of the system. */
async function mayClear(root: string, { uid }: Stats) {
  return process.geteuid?.() !== 0 || uid === (await lstat(root)).uid
}
