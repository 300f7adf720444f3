import { access, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { command } from '../../base/command.ts'
import { messageOf, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { stackOwner } from '../../config/environment.ts'
import { replaceFile } from '../../files/replace-file.ts'
import {
  describeStack,
  folderStack,
  hasOtherOwner,
  isSameStack,
  parseStackOf,
  type StackIdentity,
  stackId,
} from '../identity.ts'
import { type StateFolder, stateFolder } from './state-folder.ts'

const Owner = z.strictObject({
  version: z.literal(1),
  kind: z.string(),
  folder: z.string().optional(),
  session: z.string().optional(),
  server: z.string().optional(),
  /** Absent in folders of versions that did not record it. */
  owner: z.int().optional(),
})

type Folder = Pick<StateFolder, 'path'>

/**
 * Refuses a state folder or containers of another stack. Names hold 32 bits of a hash: two folders with
 * one name would share home volume, copy and credential (threat R3).
 */
export async function refuseOtherOwner(
  identity: StackIdentity,
  state: Folder,
  running: { identity: StackIdentity | null } | null = null,
) {
  refuseOther(identity, await readOwner(identity.name, state))
  refuseOther(identity, running?.identity ?? null)
}

/** Does the same as `refuseOtherOwner`, then records this stack as the state folder's owner. */
export async function claimState(
  identity: StackIdentity,
  state: Folder,
  running: { identity: StackIdentity | null } | null = null,
) {
  await refuseOtherOwner(identity, state, running)
  const { name: _, id: __, ...of } = identity
  await replaceFile(ownerPath(state), JSON.stringify({ version: 1, ...of }))
}

/**
 * Returns the file with a folder's own settings, existing or not; null for a folder that is gone. Refuses
 * settings of another folder whose stack has the same name.
 */
export async function folderSettingsPath(folder = process.cwd()): Promise<string | null> {
  const real = await realpath(folder).catch(() => null)
  if (real === null) return null
  const identity = folderStack(real, stackOwner())
  const state = stateFolder(identity.name)
  const exists = await access(state.settings).then(
    () => true,
    () => false,
  )
  if (exists) await refuseOtherOwner(identity, state)
  return state.settings
}

function refuseOther(identity: StackIdentity, owner: StackIdentity | null) {
  if (owner === null || isSameStack(owner, identity)) return
  const [theirs, ours] = [describeStack(owner, identity), describeStack(identity, owner)]
  throw sameName([ours, theirs], identity, owner)
}

function sameName(shown: readonly string[], identity: StackIdentity, other: StackIdentity) {
  const [ours, theirs] = shown.map(text => terminalLine(text, 200))
  return new UserError(`${ours} and ${theirs} have the same stack name, ${identity.name}`, {
    hint: renameHint(identity, other),
  })
}

/** Returns what to do about two stacks with one name. */
export function renameHint(identity: StackIdentity, other: StackIdentity | null): string {
  return other !== null && hasOtherOwner(identity, other)
    ? `run this command as uid ${other.owner}; or remove that stack: ${command(`stop ${identity.id}`)}, then ${command(`clean ${identity.id}`)}`
    : 'rename one of the two folders, and start there again'
}

/**
 * Returns the stack that owns a state folder; null when it is new. The folders of versions without kinds
 * hold the workspace of their last start.
 */
export async function readOwner(name: string, state: Folder): Promise<StackIdentity | null> {
  const path = ownerPath(state)
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
    throw unreadable(path, error)
  })
  if (text === null) {
    // Loaded on demand: it is most of the code of a start, and `status` reads the owner too.
    const { readProtection } = await import('../protection.ts')
    const protection = await readProtection(state)
    return protection && identify(name, { kind: 'folder', folder: protection.workspace })
  }
  try {
    const owner = identify(name, Owner.parse(JSON.parse(text)))
    if (owner) return owner
  } catch (error) {
    throw unreadable(path, error)
  }
  throw unreadable(path, new Error('a part of the identity is missing'))
}

function identify(
  name: string,
  { owner, ...parts }: Parameters<typeof parseStackOf>[0] & { owner?: number | undefined },
): StackIdentity | null {
  const of = parseStackOf(parts)
  return of && { ...of, name, id: stackId(name), ...(owner !== undefined && { owner }) }
}

function unreadable(path: string, cause: unknown) {
  return new UserError(`cannot tell which stack ${path} belongs to: ${messageOf(cause)}`, {
    hint: 'check the owner of that file; remove it when its content is damaged',
    cause,
  })
}

function ownerPath(state: Folder) {
  return join(state.path, 'identity.json')
}
