import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, type Stats } from 'node:fs'
import { systemCode, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { SystemPath } from '../../files/byte-names.ts'
import { mayRead, type Reader } from './reader.ts'

/** Codes of a path that disappeared (ENOENT), or became another kind. */
const gone = ['ENOENT', 'ENOTDIR', 'ELOOP', 'EINVAL', 'ENXIO']

/** Returns the result of a system call; null when `path` is no longer what its folder listed. */
export function unlessGone<T>(path: string, call: () => T): T | null {
  try {
    return call()
  } catch (cause) {
    const code = systemCode(cause)
    if (code === null) throw cause
    if (gone.includes(code)) return null
    throw new UserError(`cannot copy ${terminalLine(path)}: ${code}`, {
      hint: 'make it readable or leave it out with --exclude, then run the command again',
      cause,
    })
  }
}

/** A file held open: its size and mode at that time, and where it was. */
export type HeldFile = {
  descriptor: number
  size: number
  /** Bytes that the file takes on the disk; absent where they do not matter. */
  allocated?: number
  executable: boolean
  /** Differs after any change of the content. */
  stamp: string
}

/** Opens a file for one reading; null when it is no longer a regular file, or not one for `reader`. */
export function holdFile(at: SystemPath, path: string, reader?: Reader): HeldFile | null {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants
  const descriptor = unlessGone(path, () => openSync(at, O_RDONLY | O_NOFOLLOW | O_NONBLOCK))
  if (descriptor === null) return null
  const stats = fstatSync(descriptor)
  if (!stats.isFile() || !mayRead(reader, stats)) {
    closeSync(descriptor)
    return null
  }
  const { size } = stats
  return {
    descriptor,
    size,
    allocated: stats.blocks * 512,
    executable: (stats.mode & 0o100) !== 0,
    stamp: stampOf(stats),
  }
}

/** Reads the next bytes into `buffer`, until it is full or the file ends; returns their number. */
export function fillBuffer({ descriptor }: HeldFile, buffer: Buffer, position: number): number {
  let filled = 0
  while (filled < buffer.length) {
    const count = readSync(descriptor, buffer, filled, buffer.length - filled, position + filled)
    if (count === 0) break
    filled += count
  }
  return filled
}

/**
 * Returns whether the first `size` bytes, which were read, are one state of the file: it did not change
 * meanwhile, or it only grew, as a log does.
 */
export function isSteady({ descriptor, size, stamp }: HeldFile, read: number): boolean {
  const after = fstatSync(descriptor)
  return read === size && (after.size > size || stampOf(after) === stamp)
}

/** Size from which a file of mostly holes is left out: the copy would take its full size on the disk. */
const sparseBytes = 1024 ** 3

/** Returns whether a file is large and mostly holes. */
export function isSparse({ size, allocated = size }: HeldFile): boolean {
  return size > sparseBytes && allocated < size / 2
}

export function letGo({ descriptor }: HeldFile) {
  closeSync(descriptor)
}

/** Returns the stamp of the file that is there now; null when there is none. */
export function stampAt(at: SystemPath): string | null {
  const stats = lstatSync(at, { throwIfNoEntry: false })
  return stats?.isFile() ? stampOf(stats) : null
}

function stampOf({ ino, size, mtimeMs, ctimeMs }: Stats) {
  return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
}
