import { type BigIntStats, closeSync, constants, fstatSync, open as openCallback } from 'node:fs'
import { type FileHandle, lstat, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { systemCode } from '../../base/errors.ts'
import { descend, namesOnly, type OpenFolder, openRootFolder } from '../../files/beneath.ts'
import { HttpError } from '../http-error.ts'
import { linkRefused, notFound } from './file-error.ts'
import type { Target } from './target.ts'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants
const openDescriptor = promisify(openCallback)

export type OpenEntry =
  | { kind: 'file'; file: FileHandle; stats: BigIntStats }
  | { kind: 'folder'; folder: FileHandle }

/**
 * Opens what a target names, and follows no symlink on the way (threat H2). A FIFO, a socket or a device is
 * looked at but never opened: opening one wakes its other side. The caller closes what it gets.
 */
export async function openEntry(root: string, { parts, asked }: Target): Promise<OpenEntry> {
  const name = parts.at(-1)
  const parent = await descend(await openRootFolder(root), parts.slice(0, -1))
  try {
    if (parent.stopped !== null) await refuseStopped(parent, asked)
    const path = parent.folder.at(name ?? '.')
    const named = await openDescriptor(path, namesOnly | O_NOFOLLOW).catch(error => {
      throw systemCode(error) === 'ENOENT' ? notFound(asked) : error
    })
    try {
      return await reopen(named, asked)
    } finally {
      // Such a descriptor holds nothing that a close could wait for.
      closeSync(named)
    }
  } finally {
    await parent.folder.close()
  }
}

/** Opens the very file that a descriptor names, even if another has taken its place in the folder. */
async function reopen(named: number, asked: string): Promise<OpenEntry> {
  const path = `/proc/self/fd/${named}`
  const stats = fstatSync(named, { bigint: true })
  if (stats.isDirectory()) {
    return { kind: 'folder', folder: await open(path, O_RDONLY | O_DIRECTORY) }
  }
  if (stats.isSymbolicLink()) throw linkRefused(asked)
  if (!stats.isFile()) throw new HttpError(400, `not a regular file: ${asked}`)
  return { kind: 'file', file: await open(path, O_RDONLY | O_NONBLOCK), stats }
}

/** Throws the answer for a path whose folder is missing, or is not a folder. */
export async function refuseStopped(
  { folder, left, stopped }: Awaited<ReturnType<typeof descend>>,
  asked: string,
): Promise<never> {
  if (stopped === 'missing') throw notFound(asked)
  const stats = await statEntry(folder, left[0] ?? '')
  throw stats?.isSymbolicLink() ? linkRefused(asked) : notFound(asked)
}

/** Returns the status of an entry itself; null when it is missing. */
export async function statEntry(folder: OpenFolder, name: string): Promise<BigIntStats | null> {
  try {
    return await lstat(folder.at(name), { bigint: true })
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null
    throw error
  }
}
