import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { systemCode } from '../../base/errors.ts'
import {
  type Descent,
  descendSync,
  entryOf,
  namesOnly,
  type OpenFolder,
} from '../../files/beneath.ts'
import type { SystemPath } from '../../files/byte-names.ts'
import { type HeldFile, holdFile } from '../../files/held-file.ts'
import { HttpError } from '../http-error.ts'
import { linkRefused, notFound } from './file-error.ts'
import type { Target } from './target.ts'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_DIRECTORY } = constants

export type OpenEntry =
  | { kind: 'file'; file: HeldFile; stats: BigIntStats }
  | { kind: 'folder'; folder: HeldFile }

/**
 * Opens what a target names, and follows no symlink on the way (threat H2). A FIFO, a socket or a device is
 * looked at but never opened: opening one wakes its other side. The caller closes what it gets.
 */
export function openEntry(root: string, { parts, asked }: Target): OpenEntry {
  const name = parts.at(-1) ?? '.'
  const { descriptor, left, stopped } = descendSync(root, parts.slice(0, -1))
  try {
    if (stopped !== null)
      throw stopError(stopped, statNow(entryOf(descriptor, left[0] ?? '')), asked)
    const named = nameEntry(entryOf(descriptor, name), asked)
    try {
      return reopen(named, asked)
    } finally {
      closeSync(named)
    }
  } finally {
    closeSync(descriptor)
  }
}

function nameEntry(path: SystemPath, asked: string): number {
  try {
    return openSync(path, namesOnly | O_NOFOLLOW)
  } catch (error) {
    throw systemCode(error) === 'ENOENT' ? notFound(asked) : error
  }
}

/** Opens the very file that a descriptor names, even if another has taken its place in the folder. */
function reopen(named: number, asked: string): OpenEntry {
  const path = `/proc/self/fd/${named}`
  const stats = fstatSync(named, { bigint: true })
  if (stats.isDirectory()) {
    return { kind: 'folder', folder: holdFile(openSync(path, O_RDONLY | O_DIRECTORY)) }
  }
  if (stats.isSymbolicLink()) throw linkRefused(asked)
  if (!stats.isFile()) throw new HttpError(400, `not a regular file: ${asked}`)
  // Not waiting: a lease of the agent on the file would stop this server for 45 seconds (threat M6).
  return { kind: 'file', file: holdFile(openSync(path, O_RDONLY | O_NONBLOCK)), stats }
}

/** Throws the answer for a path whose folder is missing, or is not a folder. */
export async function refuseStopped(
  { folder, left, stopped }: Descent,
  asked: string,
): Promise<never> {
  throw stopError(stopped, await statEntry(folder, left[0] ?? ''), asked)
}

function stopError(stopped: Descent['stopped'], stats: BigIntStats | null, asked: string) {
  return stopped === 'not-folder' && stats?.isSymbolicLink() ? linkRefused(asked) : notFound(asked)
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

function statNow(path: SystemPath): BigIntStats | null {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null
}
