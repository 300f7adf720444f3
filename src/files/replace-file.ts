import {
  closeSync,
  constants,
  fchmodSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { SystemPath } from './byte-names.ts'

const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

export type ReplaceOptions = {
  /** Exactly these permissions, regardless of the umask. Default 0600. */
  mode?: number
  /**
   * Waits until the content and the new name are on disk, to survive a power failure. With `content`,
   * the caller syncs the folder, once for many files.
   */
  durable?: boolean | 'content'
  /** Path of the unfinished file, on the same filesystem. Default: an unguessable name beside `path`. */
  temporary?: SystemPath
  /** Returns where the finished file goes, such as into a folder that is made for it. Default: `path`. */
  target?: () => Promise<SystemPath>
  /** Creates the error for a failed system call. Default: a `UserError` that names the path. */
  failed?: (cause: unknown) => unknown
}

/**
 * Replaces a file atomically: a reader sees either the old or the complete new content, even if this
 * process is killed. Replaces a symlink at `path` rather than following it, and never writes to a file
 * that another user puts at the temporary name. On failure, keeps the old file and removes the
 * temporary one.
 *
 * @param content the text, or a function that writes the file and may change its owner
 */
export async function replaceFile(
  path: SystemPath,
  content: string | Uint8Array | ((file: FileHandle) => Promise<void>),
  options: ReplaceOptions = {},
): Promise<void> {
  const { mode = 0o600, durable = false, temporary = temporaryBeside(path) } = options
  const failed = options.failed ?? (cause => cannotWrite(path, cause))
  const file = await open(temporary, flags, 0o600).catch(error => {
    throw failed(error)
  })
  try {
    try {
      if (typeof content === 'function') await content(file)
      else await file.writeFile(content)
      await file.chmod(mode)
      if (durable) await file.sync()
    } finally {
      await file.close()
    }
    const place = options.target ? await options.target() : path
    await rename(temporary, place)
    if (durable === true) await syncFolder(folderOf(place))
  } catch (error) {
    await rm(temporary, { force: true })
    throw error instanceof UserError ? error : failed(error)
  }
}

/** Synchronous `replaceFile`, never durable. */
export function replaceFileSync(path: string, content: string, { mode = 0o600 } = {}): void {
  const temporary = temporaryBeside(path)
  try {
    const file = openSync(temporary, flags, 0o600)
    try {
      writeFileSync(file, content)
      fchmodSync(file, mode)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw cannotWrite(path, error)
  }
}

function temporaryBeside(at: SystemPath) {
  const path = at.toString()
  // A name has at most 255 bytes, and a character up to 4.
  const name = basename(path).slice(0, 50)
  // Loaded on demand: a session that is attached again replaces no file.
  const { randomBytes } = process.getBuiltinModule('node:crypto')
  return join(dirname(path), `.${name}.${randomBytes(9).toString('base64url')}.tmp`)
}

function folderOf(path: SystemPath): SystemPath {
  return typeof path === 'string' ? dirname(path) : path.subarray(0, path.lastIndexOf('/'))
}

async function syncFolder(path: SystemPath) {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function cannotWrite(path: SystemPath, cause: unknown): UserError {
  const code = systemCode(cause)
  return new UserError(`cannot write ${terminalLine(path.toString())}${code ? ` (${code})` : ''}`, {
    hint: 'check the free space and the owner of that folder',
    cause,
  })
}

/**
 * Caches a result for the next command. A failed write, such as on a full disk, only makes that
 * command slower and must not fail this one.
 */
export async function keepInCache(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await replaceFile(path, text)
  } catch {}
}
