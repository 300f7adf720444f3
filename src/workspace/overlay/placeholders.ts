import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readFile, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Placeholder } from './overlay.ts'

export type MadePlaceholder = { path: string; placeholder: Placeholder }

/**
 * Makes missing paths as the owner of the workspace: the engine would make them as root. Opens each
 * folder on the way without following symlinks, so that one that appears has no effect (threat H2).
 */
export async function makePlaceholders(
  workspace: string,
  wanted: readonly MadePlaceholder[],
  owner: { uid: number; gid: number },
) {
  for (const { path, placeholder } of wanted) {
    const parts = path.split('/')
    const name = parts.pop() ?? ''
    const parent = await openFolder(workspace, parts)
    try {
      await make(`/proc/self/fd/${parent.fd}/${name}`, placeholder, owner)
    } catch (error) {
      throw new UserError(`cannot make the placeholder ${terminalLine(path)}: ${codeOf(error)}`, {
        hint: 'check the free space and the owner of the folder, or give it up with PROTECT= in .env',
        cause: error,
      })
    } finally {
      await parent.close()
    }
  }
}

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants

async function make(path: string, placeholder: Placeholder, owner: { uid: number; gid: number }) {
  if (placeholder.kind === 'folder') await mkdir(path, { mode: 0o755 })
  const flags = placeholder.kind === 'folder' ? O_RDONLY | O_DIRECTORY : O_WRONLY | O_CREAT | O_EXCL
  const made = await open(path, flags | O_NOFOLLOW, 0o644)
  try {
    if (placeholder.kind === 'file') await made.write(placeholder.content)
    if (process.getuid?.() === 0) await made.chown(owner.uid, owner.gid)
  } finally {
    await made.close()
  }
}

async function openFolder(workspace: string, parts: readonly string[]): Promise<FileHandle> {
  let handle = await open(workspace, O_RDONLY | O_DIRECTORY)
  for (const part of parts) {
    const above = handle
    try {
      handle = await open(`/proc/self/fd/${above.fd}/${part}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
    } finally {
      await above.close()
    }
  }
  return handle
}

/**
 * Removes unchanged placeholders: a folder only when it is empty, a file only when its content is
 * unchanged. Keeps everything that was added there, and everything that cannot be read.
 */
export async function removePlaceholders(workspace: string, made: readonly MadePlaceholder[]) {
  for (const { path, placeholder } of [...made].reverse()) {
    const full = join(workspace, path)
    if (!(await isReached(workspace, path))) continue
    if (placeholder.kind === 'folder') await rmdir(full).catch(() => {})
    else if (await isUntouched(full, placeholder.content)) await unlink(full).catch(() => {})
  }
}

/** Returns whether all parents of the path are real folders. No agent runs any more that could change them. */
async function isReached(workspace: string, path: string) {
  for (let above = dirname(path); above !== '.'; above = dirname(above)) {
    if (!(await lstat(join(workspace, above)).catch(() => null))?.isDirectory()) return false
  }
  return true
}

async function isUntouched(path: string, content: string) {
  const status = await lstat(path).catch(() => null)
  return (
    status?.isFile() === true &&
    status.size === Buffer.byteLength(content) &&
    (await readFile(path, 'utf8').catch(() => null)) === content
  )
}

function codeOf(error: unknown) {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason'
}
