import { constants } from 'node:fs'
import { type FileHandle, lchown, mkdir, open, realpath } from 'node:fs/promises'
import { dirname } from 'node:path'
import { command } from '../base/command.ts'
import { systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'

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
export type OpenFolder = { at: (name: string) => string; file: FileHandle; close(): Promise<void> }

export const asFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

/**
 * Opens the folder of `path` below `root` part by part and follows no symlink on the way: the agent
 * may create one at any moment (threat H2). Returns null when a folder is missing, unless `make` says
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
  let folder = held(await open(root, constants.O_RDONLY | constants.O_DIRECTORY))
  for (const [depth, part] of parts.entries()) {
    try {
      if (make) await makeFolder(folder, part)
      const next = held(await open(folder.at(part), asFolder))
      await folder.close()
      folder = next
    } catch (error) {
      await folder.close()
      const code = systemCode(error)
      if (code === 'ENOENT') return null
      if (code !== 'ENOTDIR' && code !== 'ELOOP') throw error
      throw notApplied(
        path,
        `${terminalLine(parts.slice(0, depth + 1).join('/'))} is not a folder on the host`,
      )
    }
  }
  return { folder, name }
}

function held(file: FileHandle): OpenFolder {
  return { at: name => `/proc/self/fd/${file.fd}/${name}`, file, close: () => file.close() }
}

async function makeFolder(inside: OpenFolder, name: string) {
  try {
    await mkdir(inside.at(name), 0o755)
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return
    throw error
  }
  const { uid, gid } = await inside.file.stat()
  if (process.getuid?.() === 0) await lchown(inside.at(name), uid, gid)
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
