import { closeSync, constants, openSync, readlinkSync } from 'node:fs'
import { type FileHandle, mkdir, open, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { command } from '../base/command.ts'
import { systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { type SystemPath, systemPath } from './byte-names.ts'

/** Reports whether `path` is the folder or in it. Compares text: resolve both for real containment. */
export function isWithin(folder: string, path: string): boolean {
  return path === folder || isBelow(folder, path)
}

/** Reports whether `path` is in the folder, and not the folder itself. */
export function isBelow(folder: string, path: string): boolean {
  return path.startsWith(folder.endsWith('/') ? folder : `${folder}/`) && path !== folder
}

/** Reports whether one of the two is in the other, or both are the same. */
export function overlaps(one: string, other: string): boolean {
  return isWithin(one, other) || isWithin(other, one)
}

/**
 * Returns the real path of `path` if it is below `folder`, itself a real path; null when the path is
 * missing or a symlink leads out of the folder.
 */
export async function confinedPath(folder: string, path: string): Promise<string | null> {
  const real = await realpath(path).catch(() => null)
  return real !== null && isBelow(folder, real) ? real : null
}

/** A workspace folder held open: `at` still names its files after the path to it was replaced. */
export type OpenFolder = {
  at: (name: string) => SystemPath
  file: FileHandle
  close(): Promise<void>
}

export const asFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * `O_PATH`: a descriptor that only names a file, and needs no right on it. Node.js has no constant for it.
 */
export const namesOnly = 0o10000000

/**
 * Holds a folder open while `work` runs, which gets a path that names it even if another takes its place.
 * Refuses a path that leads through a symlink: another user who can write above the folder may exchange it
 * for a link while root works in it (threat H7).
 */
export async function withHeldFolder<T>(
  path: string,
  work: (held: string) => Promise<T>,
): Promise<T> {
  const file = await openRoot(path)
  try {
    return await work(`${descriptors}${file.fd}`)
  } finally {
    await file.close()
  }
}

const descriptors = '/proc/self/fd/'

async function openRoot(path: string): Promise<FileHandle> {
  const file = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  // A folder that is held is named by its descriptor.
  if (path.startsWith(descriptors)) return file
  try {
    // The kernel answers from memory: a task of the thread pool would take longer.
    if (readlinkSync(`${descriptors}${file.fd}`) === path) return file
    throw elsewhere(path)
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Synchronous `openRoot`; the caller closes the descriptor. */
export function openRootSync(path: string): number {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  if (readlinkSync(`${descriptors}${descriptor}`) === path) return descriptor
  closeSync(descriptor)
  throw elsewhere(path)
}

/** Returns the error for a folder whose path leads through a symlink. */
function elsewhere(path: string): UserError {
  return new UserError(
    `${terminalLine(path)} was replaced by a symlink, or a folder above it was`,
    {
      hint: 'put the folder back in its place, then run the command again',
    },
  )
}

/**
 * Opens the folder of `path` below `root` part by part and follows no symlink on the way: the agent
 * may create one at any moment (threat H2). `root` is a real path, or that of a held folder. Returns null when a folder is missing, unless `make` says
 * to create it. New folders get the owner of their parent, where we have permission to chown.
 */
export async function openParentFolder(
  root: string,
  path: string,
  { make = false }: { make?: boolean } = {},
): Promise<{ folder: OpenFolder; name: string } | null> {
  if (safeRelativePath(path) === null) throw notApplied(path, 'it leaves the workspace')
  const parts = path.split('/')
  const name = parts.pop() ?? ''
  const { folder, left, stopped } = await descend(await openRootFolder(root), parts, { make })
  if (stopped === null) return { folder, name }
  await folder.close()
  if (stopped === 'missing') return null
  const walked = parts.slice(0, parts.length - left.length + 1).join('/')
  throw notApplied(path, `${terminalLine(walked)} is not a folder on the host`)
}

/** Opens a folder whose path is a real one, to `descend` from. */
export async function openRootFolder(root: string): Promise<OpenFolder> {
  return held(await openRoot(root))
}

/** The deepest folder of a path that was opened, the parts below it, and why it is not the last one. */
export type Descent = {
  folder: OpenFolder
  left: readonly string[]
  stopped: null | 'missing' | 'not-folder'
}

/**
 * Opens folder after folder below `from`, which it closes on the way, and follows no symlink. `make`
 * creates those that are missing. Parts are names of entries, never empty, `.` or `..`.
 */
export async function descend(
  from: OpenFolder,
  parts: readonly string[],
  { make = false }: { make?: boolean } = {},
): Promise<Descent> {
  let folder = from
  for (const [depth, part] of parts.entries()) {
    try {
      if (make) await makeFolder(folder, part)
      const next = held(await open(folder.at(part), asFolder))
      await folder.close()
      folder = next
    } catch (error) {
      const stopped = stopOf(error)
      if (stopped !== null) return { folder, left: parts.slice(depth), stopped }
      await folder.close()
      throw error
    }
  }
  return { folder, left: [], stopped: null }
}

/**
 * Like `descend` from `root`, for a request that reads: each folder is one system call, which the kernel mostly
 * answers from memory, and a task of the thread pool takes ten times as long. The caller closes the descriptor.
 */
export function descendSync(
  root: string,
  parts: readonly string[],
): { descriptor: number; left: readonly string[]; stopped: Descent['stopped'] } {
  let descriptor = openRootSync(root)
  for (const [depth, part] of parts.entries()) {
    try {
      const next = openSync(entryOf(descriptor, part), asFolder)
      closeSync(descriptor)
      descriptor = next
    } catch (error) {
      const stopped = stopOf(error)
      if (stopped !== null) return { descriptor, left: parts.slice(depth), stopped }
      closeSync(descriptor)
      throw error
    }
  }
  return { descriptor, left: [], stopped: null }
}

/** Returns what a failed open of a folder says about the path; null when it says nothing. */
function stopOf(error: unknown): Descent['stopped'] {
  const code = systemCode(error)
  if (code === 'ENOENT') return 'missing'
  return code === 'ENOTDIR' || code === 'ELOOP' ? 'not-folder' : null
}

/** Returns the path of an entry of a folder that is held open. */
export function entryOf(descriptor: number, name: string): SystemPath {
  return systemPath(`${descriptors}${descriptor}/${name}`)
}

function held(file: FileHandle): OpenFolder {
  return {
    at: name => entryOf(file.fd, name),
    file,
    close: () => file.close(),
  }
}

async function makeFolder(inside: OpenFolder, name: string) {
  try {
    await mkdir(inside.at(name), 0o755)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return
    throw error
  }
  if (process.getuid?.() !== 0) return
  const { uid, gid } = await inside.file.stat()
  const made = await open(inside.at(name), asFolder)
  try {
    await made.chown(uid, gid)
  } finally {
    await made.close()
  }
}

/** Returns the parent folders of a path, outermost first: `a`, `a/b` for `a/b/c`. */
export function foldersOf(path: string): string[] {
  const folders: string[] = []
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.unshift(folder)
  return folders
}

export function notApplied(path: string, reason: string, cause?: unknown): UserError {
  return new UserError(`${terminalLine(path)} is not applied: ${reason}`, {
    hint: `review it with ${command('diff')}, and copy by hand what you need`,
    ...(cause !== undefined && { cause }),
  })
}

/**
 * Validates a path from a container before it is used on the host: relative, without `..`, empty parts
 * or NUL (threat H2). Returns null for anything else.
 */
export function safeRelativePath(path: string): string | null {
  const parts = path.split('/')
  const bad = (part: string) => part === '' || part === '.' || part === '..' || part.includes('\0')
  return path === '' || parts.some(bad) ? null : path
}
