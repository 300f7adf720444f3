import { constants } from 'node:fs'
import { lstat, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { systemCode, UserError } from '../../base/errors.ts'
import { stateRoot } from '../../config/paths.ts'
import { DayBudget, TenantName } from '../../config/tenants.ts'
import type { CredentialFile } from '../credential.ts'

const StoredCaller = z.strictObject({
  tenant: TenantName,
  placeholder: z.string(),
  meterKey: z.string(),
  budget: DayBudget,
})

const StoredCredential = z.strictObject({
  kind: z.enum(['api-key', 'oauth-token', 'bearer', 'aws-key', 'google-key']),
  secret: z.string(),
  placeholder: z.string(),
  accessKeyId: z.string().optional(),
  sessionToken: z.string().optional(),
  clientEmail: z.string().optional(),
  meterKey: z.string().optional(),
  callers: z.array(StoredCaller).optional(),
})

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

/** Returns the present file, or null when there is none; a damaged file counts as missing and is rewritten. */
export async function readCredential(folder: StateFolder): Promise<CredentialFile | null> {
  const text = await readFile(folder.credential, 'utf8').catch(() => null)
  if (text === null) return null
  try {
    return StoredCredential.parse(JSON.parse(text))
  } catch {
    return null
  }
}

/**
 * Writes the gateway's file so that `reader` alone can read it (0400; root gives it away, any other
 * user is the reader itself). In place: a running gateway has this very file mounted.
 */
export async function writeCredential(
  folder: StateFolder,
  credential: CredentialFile,
  reader: { uid: number; gid: number },
) {
  // Docker makes a folder where a mounted file is missing; clear one that was left by such a start.
  const existing = await lstat(folder.credential).catch(() => null)
  if (existing && !existing.isFile()) await rm(folder.credential, { recursive: true })
  if (existing?.isFile() && process.getuid?.() !== 0) await makeWritable(folder.credential)
  const file = await open(folder.credential, existing?.isFile() ? 'r+' : 'wx', 0o600)
  try {
    const text = JSON.stringify(credential)
    // writeFile writes everything or throws: a plain write stops silently when the disk is full.
    await file.writeFile(text)
    await file.truncate(Buffer.byteLength(text))
    await file.chmod(0o400)
    if (process.getuid?.() === 0) await file.chown(reader.uid, reader.gid)
  } catch (error) {
    // Remove a partial file; keep one that existed, since a running gateway has it mounted.
    if (!existing?.isFile()) await rm(folder.credential, { force: true })
    throw cannotWrite(folder.credential, error)
  } finally {
    await file.close()
  }
}

async function makeWritable(path: string) {
  const file = await open(path, 'r')
  try {
    await file.chmod(0o600)
  } finally {
    await file.close()
  }
}

function cannotWrite(path: string, error: unknown) {
  const code = systemCode(error)
  return new UserError(`cannot write ${path}${code ? ` (${code})` : ''}`, {
    hint: 'check the free space and the owner of that folder',
    cause: error,
  })
}
