import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode, UserError } from '../../base/errors.ts'
import { stateRoot } from '../../config/paths.ts'

/** The folder for a stack's data outside its containers and volumes. */
export type StateFolder = {
  path: string
  credential: string
  override: string
  usage: string
  /** The proxy's way to the parent proxy, with its password. */
  parent: string
  /** Holds the folder's own list, and is mounted into the proxy. */
  policy: string
  /** The folder's own settings, beside those of .env. */
  settings: string
  /** Tells the agent's containers by what the host's filter is known to be on. */
  filter: string
  /** Certificate authorities for the agent. */
  authorities: string
  /** The key by which the worker's runner signs the names of processes. */
  meterKey: string
}

/** Entries that stay when the rest of a stack is removed: its usage, and files that may be the user's. */
export const keptInState: readonly string[] = ['usage', 'withdrawn']

export function stateFolder(stack: string, root = stateRoot()): StateFolder {
  const path = join(root, 'stacks', stack)
  return {
    path,
    credential: join(path, 'credential.json'),
    override: join(path, 'stack.yaml'),
    usage: join(path, 'usage'),
    parent: join(path, 'parent'),
    policy: join(path, 'policy'),
    settings: join(path, 'settings.env'),
    filter: join(path, 'filter'),
    authorities: join(path, 'authorities'),
    meterKey: join(path, 'meter-key'),
  }
}

/** Makes the folder, for its owner only: it holds the credential's file. */
export async function makeStateFolder(folder: StateFolder) {
  try {
    await mkdir(folder.path, { recursive: true, mode: 0o700 })
  } catch (error) {
    throw cannotWrite(folder.path, error)
  }
}

/** Makes the folder in which only the gateway writes the usage. */
export async function makeUsageFolder(folder: StateFolder, writer: { uid: number; gid: number }) {
  await makeMountedFolder(folder.usage, 0o700, writer)
}

/** Makes the folder from which the proxy, another user, reads the stack's own list. */
export async function makePolicyFolder(folder: StateFolder) {
  await makeMountedFolder(folder.policy, 0o755)
}

/** Makes a folder with exactly this mode, regardless of the umask; root gives it to `owner`. */
export async function makeMountedFolder(
  path: string,
  mode: number,
  owner?: { uid: number; gid: number },
) {
  try {
    await mkdir(path, { recursive: true, mode })
    // By file handle: the folder's former owner must not choose the path whose mode and owner change.
    const opened = await open(path, constants.O_DIRECTORY | constants.O_NOFOLLOW)
    try {
      await opened.chmod(mode)
      if (owner && process.getuid?.() === 0) await opened.chown(owner.uid, owner.gid)
    } finally {
      await opened.close()
    }
  } catch (error) {
    throw cannotWrite(path, error)
  }
}

/** The error of a folder that cannot be written. */
export function cannotWrite(path: string, error: unknown) {
  const code = systemCode(error)
  return new UserError(`cannot write ${path}${code ? ` (${code})` : ''}`, {
    hint: 'check the free space and the owner of that folder',
    cause: error,
  })
}
