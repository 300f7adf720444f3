import { lstat, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { Settings } from '../config/settings.ts'
import { isWithin, overlaps } from '../files/beneath.ts'
import { type RegularFile, readRegularFile } from '../files/regular-file.ts'

/**
 * Returns the text of a file at the top of a workspace; null when it is missing, or a folder, which is
 * our placeholder. The agent may have created it: reads at most `limit` bytes, follows no symlink and does
 * not block on a pipe.
 */
export async function readWorkspaceFile(
  workspace: string,
  name: string,
  limit: number,
): Promise<string | null> {
  const refused = (problem: string, cause?: unknown) =>
    new UserError(`${terminalLine(name)} in the workspace ${problem}`, {
      hint: 'inspect that file, and fix or remove it',
      ...(cause !== undefined && { cause }),
    })
  const file = await readRegularFile(join(workspace, name), { limit }).catch(cause => {
    throw refused(`cannot be read: ${systemCode(cause)}`, cause)
  })
  if (file.kind === 'missing' || (file.kind === 'not-regular' && file.is === 'folder')) return null
  if (file.kind !== 'bytes') throw refused(problemOf(file, limit))
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(file.bytes)
  } catch {
    throw refused('is not UTF-8')
  }
}

function problemOf(file: RegularFile, limit: number) {
  if (file.kind === 'too-large') return `holds more than ${limit} bytes`
  return file.kind === 'not-regular' && file.is === 'symlink'
    ? 'is a symlink'
    : 'is not a regular file'
}

/** A host folder opened for a stack's agents. A plain `workspace` elsewhere is its real path. */
export type OpenedWorkspace = {
  /** Real path on the host. */
  path: string
  /** Owner of the folder; in copy mode the owner of the copy. Never 0. */
  agent: { uid: number; gid: number }
  mode: 'mount' | 'copy'
  /** Why it is a copy, when the user did not request one. */
  copyReason?: 'it is owned by root' | 'it was opened as a copy before'
}

/** The agent's uid when root owns the workspace, and in copies of versions that knew one owner. */
const ordinaryUser = { uid: 1000, gid: 1000 }

/** Host paths of claude-secure or the engine that an agent must not get. */
export type OwnPlaces = {
  /** The checkout: an agent that can write claude.ts or compose.yaml runs code on the host. */
  checkout: string
  /** Files that hold secrets, and folders with such files. */
  secrets: readonly string[]
  /** The engine's socket, if it has one: access to it gives control of the host. */
  socket?: string
}

/**
 * Decides how the folder `path` is opened. Refuses folders that would give the agent more than a
 * project: the home folder, its parents, and folders with the control script or the engine's socket.
 */
export async function openWorkspace(
  path: string,
  mode: Settings['WORKSPACE_MODE'],
  own: OwnPlaces,
  options: {
    copyExists?: boolean
    /** Owner of the files in an existing copy, where it was recorded. */
    copyOwner?: OpenedWorkspace['agent'] | null
    /** `mode` is `mount` by `--mount`, not by the settings. */
    mountGiven?: boolean
  } = {},
): Promise<OpenedWorkspace> {
  const real = await realpath(path)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: this pattern finds them
  if (/[\x00-\x1f\x7f]/.test(real)) {
    throw new UserError(`the folder name "${terminalLine(real)}" holds control characters`, {
      hint: 'rename the folder',
    })
  }
  const { uid, gid } = await stat(real)
  // The same user in both modes has one home, and so one set of conversations.
  const owner = uid === 0 ? ordinaryUser : { uid, gid: gid === 0 ? uid : gid }
  const known = options.copyOwner ?? ordinaryUser
  const copyReason = mode === 'auto' ? reasonToCopy(uid, options.copyExists ?? false) : undefined
  const opened: OpenedWorkspace['mode'] = mode === 'copy' || copyReason ? 'copy' : 'mount'
  if (uid === 0 && opened === 'mount') {
    const asked = options.mountGiven ? '--mount was given' : 'WORKSPACE_MODE is mount'
    const instead = options.mountGiven ? 'omit --mount' : 'set WORKSPACE_MODE=copy'
    throw new UserError(`${terminalLine(real)} belongs to root and ${asked}`, {
      hint: `${instead}, or change the owner: the agent never runs as root`,
    })
  }
  refuseWideFolders(real)
  if (await isHomeOfUser(real)) {
    throw new UserError(`${terminalLine(real)} is the whole home folder of a user`, {
      hint: 'go to the folder of one project, then start there',
    })
  }
  if (opened === 'mount') refuseOwnPlaces(real, own)
  return {
    path: real,
    agent: opened === 'copy' && options.copyExists ? known : owner,
    mode: opened,
    ...(copyReason && { copyReason }),
  }
}

/** A folder opened as a copy stays a copy: the next `start` must not give the agent the real files. */
function reasonToCopy(uid: number, copyExists: boolean): OpenedWorkspace['copyReason'] {
  if (uid === 0) return 'it is owned by root'
  return copyExists ? 'it was opened as a copy before' : undefined
}

function refuseWideFolders(real: string) {
  if (isWithin(real, homedir())) {
    throw new UserError(`${terminalLine(real)} holds your whole home folder`, {
      hint: 'go to the folder of one project, then start there',
    })
  }
  const system = ['/bin', '/boot', '/dev', '/etc', '/lib', '/proc', '/run', '/sbin', '/sys', '/usr']
  if (system.some(folder => isWithin(folder, real))) {
    throw new UserError(`${terminalLine(real)} is part of the operating system`, {
      hint: 'go to the folder of a project, then start there',
    })
  }
  // Their contents belong to all users and programs of the machine.
  if (['/home', '/tmp', '/var', '/var/lib', '/var/tmp'].includes(real)) {
    throw new UserError(`${terminalLine(real)} holds more than a project`, {
      hint: 'go to the folder of one project, then start there',
    })
  }
}

/** Returns whether it is a home below /home. Root's own home is elsewhere: it could expose a user's keys. */
async function isHomeOfUser(real: string) {
  if (dirname(real) !== '/home') return false
  const found = ['.ssh', '.bashrc', '.profile', '.config'].map(name => lstat(join(real, name)))
  return (await Promise.allSettled(found)).some(({ status }) => status === 'fulfilled')
}

function refuseOwnPlaces(real: string, { checkout, secrets, socket }: OwnPlaces) {
  if (overlaps(real, checkout)) {
    throw new UserError(`${terminalLine(real)} holds claude-secure itself`, {
      hint: 'set WORKSPACE_MODE=copy to work on a copy of it',
    })
  }
  const secret = secrets.find(place => overlaps(real, place))
  if (secret) {
    throw new UserError(
      `${terminalLine(real)} holds the credentials of claude-secure (${secret})`,
      {
        hint: 'go to the folder of a project, then start there',
      },
    )
  }
  if (socket && isWithin(real, socket)) {
    throw new UserError(`${terminalLine(real)} holds the socket of the container engine`, {
      hint: 'go to the folder of a project, then start there',
    })
  }
}
