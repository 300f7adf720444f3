import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import { type FileHandle, open, readlink } from 'node:fs/promises'
import { systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { nameOfBytes, type SystemPath } from './byte-names.ts'

const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants

/** Why a path has no content to read. A failed read, such as EACCES or EIO, throws instead. */
export type NoContent =
  | { kind: 'missing' }
  | { kind: 'not-regular'; is: 'symlink' | 'folder' | 'other' }
  /** The file's real path differs from the requested one. */
  | { kind: 'elsewhere' }

export type RegularFile =
  | { kind: 'bytes'; bytes: Buffer; stats: Stats }
  | { kind: 'too-large' }
  | NoContent

export type OpenOptions = {
  /** Follow a symlink at the end of the path. Never set it for a path that the agent can write. */
  follow?: boolean
  /** Required real path of the file: no folder on the way may be a symlink (threat H2). */
  place?: string
}

export type ReadOptions = OpenOptions & {
  /** Maximum bytes to read. */
  limit: number
  /** Return the first or last `limit` bytes of a larger file. Default: report it as too large. */
  part?: 'head' | 'tail'
}

/**
 * Opens a file that the agent may have created: does not block on a pipe, and does not read a device.
 * The caller closes the file.
 */
export async function openRegularFile(
  path: SystemPath,
  { follow = false, place }: OpenOptions = {},
): Promise<{ kind: 'open'; file: FileHandle; stats: Stats } | NoContent> {
  let file: FileHandle
  try {
    file = await open(path, flagsFor(follow))
  } catch (error) {
    return noContentOf(path, error)
  }
  try {
    const stats = await file.stat()
    const none = stats.isFile() ? null : notRegular(stats)
    const real =
      place === undefined
        ? place
        : await readlink(`/proc/self/fd/${file.fd}`, 'buffer').then(nameOfBytes)
    if (!none && real === place) return { kind: 'open', file, stats }
    await file.close()
    return none ?? { kind: 'elsewhere' }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Reads such a file up to the limit, even when it grows meanwhile. */
export async function readRegularFile(
  path: SystemPath,
  options: ReadOptions,
): Promise<RegularFile> {
  const opened = await openRegularFile(path, options)
  if (opened.kind !== 'open') return opened
  const { file, stats } = opened
  try {
    const range = rangeOf(stats.size, options)
    if (!range) return { kind: 'too-large' }
    const buffer = Buffer.alloc(range.length)
    let size = 0
    for (;;) {
      const { bytesRead } = await file.read(buffer, size, buffer.length - size, range.from + size)
      size += bytesRead
      if (bytesRead === 0 || size === buffer.length) break
    }
    return { kind: 'bytes', bytes: buffer.subarray(0, size), stats }
  } catch (error) {
    throw cannotRead(path, error)
  } finally {
    await file.close()
  }
}

/** Synchronous `readRegularFile`, for small files on a fast path. */
export function readRegularFileSync(
  path: string,
  options: Omit<ReadOptions, 'place'>,
): RegularFile {
  let file: number
  try {
    file = openSync(path, flagsFor(options.follow))
  } catch (error) {
    return noContentOf(path, error)
  }
  try {
    const stats = fstatSync(file)
    if (!stats.isFile()) return notRegular(stats)
    const range = rangeOf(stats.size, options)
    if (!range) return { kind: 'too-large' }
    const buffer = Buffer.alloc(range.length)
    let size = 0
    for (;;) {
      const count = readSync(file, buffer, size, buffer.length - size, range.from + size)
      size += count
      if (count === 0 || size === buffer.length) break
    }
    return { kind: 'bytes', bytes: buffer.subarray(0, size), stats }
  } catch (error) {
    throw cannotRead(path, error)
  } finally {
    closeSync(file)
  }
}

/** Returns the text of a file that was read; null when it is missing or not a regular file. */
export function textOf(file: RegularFile): string | null {
  return file.kind === 'bytes' ? file.bytes.toString() : null
}

function flagsFor(follow = false) {
  return O_RDONLY | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW)
}

function noContentOf(path: SystemPath, cause: unknown): NoContent {
  const code = systemCode(cause)
  if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' }
  if (code === 'ELOOP') return { kind: 'not-regular', is: 'symlink' }
  // A socket, or a device without a driver.
  if (code === 'ENXIO' || code === 'ENODEV') return { kind: 'not-regular', is: 'other' }
  throw cannotRead(path, cause)
}

function cannotRead(path: SystemPath, cause: unknown) {
  const code = systemCode(cause)
  return new UserError(`cannot read ${terminalLine(nameOf(path))}${code ? ` (${code})` : ''}`, {
    hint: 'check the owner and the mode of that file and its folders',
    cause,
  })
}

function nameOf(path: SystemPath) {
  return typeof path === 'string' ? path : nameOfBytes(path)
}

function notRegular(stats: Stats): NoContent {
  return { kind: 'not-regular', is: stats.isDirectory() ? 'folder' : 'other' }
}

function rangeOf(size: number, { limit, part }: ReadOptions) {
  if (size <= limit) return { from: 0, length: size }
  if (part === undefined) return null
  return { from: part === 'head' ? 0 : size - limit, length: limit }
}
