import { lstat, realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { type OwnPlace, sensitivePathReason } from './sensitive-paths.ts'

/**
 * Returns the real path of the user's additions folder (CUSTOM_DIR), or null when there is none: only the default one
 * may be missing. Rejects a folder that an agent can write to or that holds anything but additions.
 */
export async function findAdditionsFolder(
  path: string,
  options: { named: boolean; own: readonly OwnPlace[] },
): Promise<string | null> {
  const real = await realpath(path).catch((cause: NodeJS.ErrnoException) => {
    if (!options.named && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return null
    throw new UserError(`CUSTOM_DIR=${terminalLine(path)} cannot be read: ${cause.code}`, {
      hint: 'create the folder, or remove CUSTOM_DIR from .env',
      cause,
    })
  })
  if (real === null) return null
  const reason = (await stat(real)).isDirectory()
    ? await sensitivePathReason(real, true, options.own)
    : 'it is not a folder'
  if (reason) {
    throw new UserError(`CUSTOM_DIR=${terminalLine(path)} is refused: ${terminalLine(reason)}`, {
      hint: 'use a folder that holds your additions for the agent and nothing else',
    })
  }
  return real
}

/** Returns the additions folder's `bin`, which is mounted unchanged; null when there is none. */
export async function findBin(
  folder: string,
  agent: { uid: number; gid: number },
): Promise<string | null> {
  const path = join(folder, 'bin')
  const status = await lstat(path).catch(() => null)
  if (!status) return null
  if (!status.isDirectory()) {
    throw new UserError(`${terminalLine(path)} is not a folder`, {
      hint: 'replace it with a folder: a symlink could lead anywhere on the host',
    })
  }
  const needed =
    status.uid === agent.uid ? 0o500 : status.gid === agent.gid ? 0o050 : /* others */ 0o005
  if ((status.mode & needed) !== needed) {
    throw new UserError(`the agent (uid ${agent.uid}) cannot read ${terminalLine(path)}`, {
      hint: `run chmod -R a+rX ${terminalLine(path)}`,
    })
  }
  return path
}
