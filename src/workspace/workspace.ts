import { createHash } from 'node:crypto'
import { realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, sep } from 'node:path'
import type { Settings } from '../config/settings.ts'
import { UserError } from '../errors.ts'
import { terminalLine } from '../terminal-text.ts'

export type Workspace = {
  /** Real path on the host. */
  path: string
  /** Owner of the folder; in copy mode the owner of the copy. Never 0. */
  agent: { uid: number; gid: number }
  mode: 'mount' | 'copy'
  /** Why it is a copy, when nobody asked for one. */
  copyReason?: 'owned by root'
  /** Compose project: `claude-secure-<slug>-<hash of the real path>`. */
  stack: string
}

/** The agent's uid where the workspace's owner is no ordinary user. */
const copyOwner = { uid: 1000, gid: 1000 }

/**
 * Decides how the folder `path` is opened. Refuses folders that would hand the agent more than a
 * project: the home folder, its parents, and whatever holds the control script itself.
 */
export async function openWorkspace(
  path: string,
  mode: Settings['WORKSPACE_MODE'],
  checkout: string,
): Promise<Workspace> {
  const real = await realpath(path)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is refused
  if (/[\x00-\x1f\x7f]/.test(real)) {
    throw new UserError(`the folder name "${terminalLine(real)}" holds control characters`, {
      hint: 'rename the folder',
    })
  }
  const { uid, gid } = await stat(real)
  const copyReason = mode === 'auto' && uid === 0 ? 'owned by root' : undefined
  const opened: Workspace['mode'] = mode === 'copy' || copyReason ? 'copy' : 'mount'
  if (uid === 0 && opened === 'mount') {
    throw new UserError(`${terminalLine(real)} belongs to root and WORKSPACE_MODE is mount`, {
      hint: 'the agent never runs as root: set WORKSPACE_MODE=copy, or give the folder to a user',
    })
  }
  refuseWideFolders(real)
  if (opened === 'mount') refuseOwnCode(real, checkout)
  return {
    path: real,
    agent: opened === 'copy' ? copyOwner : { uid, gid: gid === 0 ? uid : gid },
    mode: opened,
    ...(copyReason && { copyReason }),
    stack: stackName(real),
  }
}

function refuseWideFolders(real: string) {
  if (contains(real, homedir())) {
    throw new UserError(`${terminalLine(real)} holds your whole home folder`, {
      hint: 'go to the folder of one project, then start there',
    })
  }
  const system = ['/bin', '/boot', '/dev', '/etc', '/lib', '/proc', '/run', '/sbin', '/sys', '/usr']
  if (system.some(folder => contains(folder, real))) {
    throw new UserError(`${terminalLine(real)} is part of the operating system`, {
      hint: 'go to the folder of a project, then start there',
    })
  }
}

/** An agent that can write claude.ts or compose.yaml runs code on the host at the next start. */
function refuseOwnCode(real: string, checkout: string) {
  if (contains(real, checkout) || contains(checkout, real)) {
    throw new UserError(`${terminalLine(real)} holds claude-secure itself`, {
      hint: 'set WORKSPACE_MODE=copy to work on a copy of it',
    })
  }
}

function contains(folder: string, path: string) {
  return folder === '/' || path === folder || path.startsWith(folder + sep)
}

/** `claude-secure-<slug>-<hash>`: readable in `docker ps`, one for each real path. */
export function stackName(realPath: string): string {
  const slug = basename(realPath)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 24)
    .replace(/-$/, '')
  const hash = createHash('sha256').update(realPath).digest('hex').slice(0, 8)
  return `claude-secure-${slug || 'workspace'}-${hash}`
}

/** Whether a compose project is one of ours, told by its name. */
export function isStackName(project: string): boolean {
  return /^claude-secure-[a-z0-9-]+-[0-9a-f]{8}$/.test(project)
}
