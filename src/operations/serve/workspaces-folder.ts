import { constants } from 'node:fs'
import { lstat, mkdir, open, realpath } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { systemCode, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Settings } from '../../config/settings.ts'
import { type OwnPlaces, openWorkspace } from '../../workspace/workspace.ts'

type User = { uid: number; gid: number }

/** Owner of a folder that root makes without sudo. */
const ordinaryUser: User = { uid: 1000, gid: 1000 }

/** Returns WORKSPACES_DIR, or its default. */
export function workspacesPath(
  { WORKSPACES_DIR: path }: Pick<Settings, 'WORKSPACES_DIR'>,
  env: NodeJS.ProcessEnv,
): string {
  const data = env.XDG_DATA_HOME || join(homedir(), '.local/share')
  return path ?? join(data, 'claude-secure/workspaces')
}

/** Returns who owns a folder that we make: this user; for root, the caller of sudo or an ordinary user. */
export function ownerOfNew(env: NodeJS.ProcessEnv, own = ownUser()): User {
  if (own.uid !== 0) return own
  const [uid, gid] = [env.SUDO_UID ?? '', env.SUDO_GID ?? '']
  const isUser = /^[1-9]\d{0,9}$/.test(uid)
  return isUser
    ? { uid: Number(uid), gid: /^[1-9]\d{0,9}$/.test(gid) ? Number(gid) : Number(uid) }
    : ordinaryUser
}

function ownUser(): User {
  return { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
}

/**
 * Opens WORKSPACES_DIR, and makes it if it is missing. Returns its real path and its owner, as whom the server
 * and the workers run. Refuses the folders that no agent may get.
 */
export async function openWorkspaces(
  path: string,
  own: OwnPlaces,
  env: NodeJS.ProcessEnv,
): Promise<{ path: string; user: User }> {
  const present = await lstat(path).catch(() => null)
  if (!present) await makeFolder(path, ownerOfNew(env), { parents: true })
  const real = await realpath(path)
  const { uid, gid } = await lstat(real)
  const shown = terminalLine(real)
  if (uid === 0) {
    throw new UserError(`WORKSPACES_DIR=${shown} belongs to root, and agents never run as root`, {
      hint: `give it to an ordinary user: chown -R 1000:1000 ${shown}`,
    })
  }
  const { uid: ours } = ownUser()
  if (ours !== 0 && ours !== uid) {
    throw new UserError(`WORKSPACES_DIR=${shown} belongs to uid ${uid}, and you are uid ${ours}`, {
      hint: 'set WORKSPACES_DIR in .env to a folder of yours, or run this command as its owner',
    })
  }
  await openWorkspace(real, 'mount', own)
  return { path: real, user: { uid, gid: gid === 0 ? uid : gid } }
}

/**
 * Makes the folder of each tenant, below a folder that only its owner can write. A link in its place is
 * refused: the engine would mount what it names.
 */
export async function makeTenantFolders(
  { path, user }: { path: string; user: User },
  tenants: readonly string[],
): Promise<void> {
  for (const tenant of tenants) {
    const folder = join(path, tenant)
    const present = await lstat(folder).catch(() => null)
    if (!present) await makeFolder(folder, user)
    const stats = await lstat(folder)
    if (!stats.isDirectory()) {
      throw new UserError(`${terminalLine(folder)} is not a folder`, {
        hint: `the tenant ${tenant} works there: move what is there away`,
      })
    }
    if (stats.uid !== user.uid) {
      throw new UserError(`${terminalLine(folder)} belongs to uid ${stats.uid}, not ${user.uid}`, {
        hint: `give it to the owner of ${terminalLine(path)}: chown -R ${user.uid}:${user.gid} ${terminalLine(folder)}`,
      })
    }
  }
}

async function makeFolder(path: string, owner: User, { parents = false } = {}) {
  try {
    if (parents) await mkdir(join(path, '..'), { recursive: true })
    await mkdir(path, { mode: 0o700 })
    if (ownUser().uid !== 0) return
    const folder = await open(path, constants.O_DIRECTORY | constants.O_NOFOLLOW)
    try {
      await folder.chown(owner.uid, owner.gid)
    } finally {
      await folder.close()
    }
  } catch (error) {
    throw new UserError(`cannot make ${terminalLine(path)} (${systemCode(error)})`, {
      hint: 'set WORKSPACES_DIR in .env to a folder that you can write',
      cause: error,
    })
  }
}
