import type { FileHandle } from 'node:fs/promises'
import type { IncomingHttpHeaders } from 'node:http'
import { systemCode } from '../../base/errors.ts'
import { descend, type OpenFolder, openRootFolder } from '../../files/beneath.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { HttpError } from '../http-error.ts'
import { checkWrite, etagOf } from './conditions.ts'
import { refuseStopped, statEntry } from './entry.ts'
import { linkRefused } from './file-error.ts'
import type { Target } from './target.ts'
import type { Turns } from './turns.ts'

export type StoreOptions = {
  root: string
  target: Target
  /** Writes the content to a new file, and returns its size. */
  write: (file: FileHandle) => Promise<number>
  headers: IncomingHttpHeaders
  turns: Turns
}

/**
 * Stores the content of a request as a file, all of it or nothing: readers see the old file until the last byte is
 * there. The unfinished file lies in the deepest folder that exists; missing folders are made when it is
 * complete, so that an aborted upload leaves none.
 */
export async function storeFile(options: StoreOptions): Promise<{ size: number; etag?: string }> {
  const { root, target, write, headers, turns } = options
  const name = target.parts.at(-1)
  if (name === undefined) throw isFolder(target)
  const folders = target.parts.slice(0, -1)
  const start = await descend(await openRootFolder(root), folders)
  let end: OpenFolder | undefined
  let release = () => {}
  try {
    if (start.stopped === 'not-folder') await refuseStopped(start, target.asked)
    const old = start.stopped === null ? await replaceable(start.folder, name, target) : null
    checkWrite(headers, old && etagOf(old))
    let size = 0
    let inode = 0n
    await replaceFile(
      start.folder.at(name),
      async file => {
        size = await write(file)
        inode = (await file.stat({ bigint: true })).ino
      },
      {
        // Never the setuid bit of the old file: the content is another one.
        mode: old ? Number(old.mode & 0o777n) : 0o644,
        failed: error => (isGone(error) ? changed(target) : error),
        target: async () => {
          release = await turns.take(`${root}\0${target.relative}`)
          const made = await descend(await openRootFolder(root), folders, { make: true })
          end = made.folder
          if (made.stopped !== null) throw changed(target)
          const present = await replaceable(end, name, target)
          checkWrite(headers, present && etagOf(present))
          return end.at(name)
        },
      },
    )
    const stored = end ? await statEntry(end, name) : null
    return { size, ...(stored?.ino === inode && { etag: etagOf(stored) }) }
  } finally {
    release()
    await start.folder.close()
    await end?.close()
  }
}

/** Returns the file that a write replaces; null when there is none. Throws for anything but a regular file. */
async function replaceable(folder: OpenFolder, name: string, target: Target) {
  const stats = await statEntry(folder, name)
  if (stats === null || stats.isFile()) return stats
  if (stats.isDirectory()) throw isFolder(target)
  throw stats.isSymbolicLink()
    ? linkRefused(target.asked)
    : new HttpError(400, `not a regular file: ${target.asked}`)
}

function isFolder({ asked }: Target) {
  return new HttpError(400, `is a directory: ${asked || '/'}`)
}

function isGone(error: unknown) {
  return systemCode(error) === 'ENOENT'
}

/** Returns the answer for a folder, or an unfinished file, that the agent took away during the upload. */
function changed({ asked }: Target) {
  return new HttpError(409, `the folder of ${asked} was changed during the upload, retry`)
}
