import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { type Candidate, findStack } from '../stack/find-stack.ts'
import { folderStack, type StackIdentity } from '../stack/identity.ts'
import { inspectStack, type StackState } from '../stack/inspect.ts'
import { refuseOtherOwner } from '../stack/state/owner.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import type { EngineContext } from './engine-context.ts'

/** Returns the stack of a folder, running or not; refuses when its name belongs to another folder. */
export async function stackOfFolder(folder: string): Promise<StackIdentity> {
  const identity = folderStack(await realpath(folder))
  await refuseOtherOwner(identity, stateFolder(identity.name))
  return identity
}

/** Returns the name of the stack that belongs to the current folder, running or not. */
export async function currentStackName(): Promise<string> {
  return (await stackOfFolder(process.cwd())).name
}

/** Inspects the stack of the current folder; null when there is none. */
export async function findCurrentStack({
  engine,
}: Pick<EngineContext, 'engine'>): Promise<StackState | null> {
  const identity = await stackOfFolder(process.cwd())
  const state = await inspectStack(engine, identity.name)
  await refuseOtherOwner(identity, stateFolder(identity.name), state)
  return state
}

/** Inspects the stack of the current folder; throws when there is none. */
export async function currentStack(context: Pick<EngineContext, 'engine'>): Promise<StackState> {
  const state = await findCurrentStack(context)
  if (state) return state
  throw new UserError(`nothing is running in ${process.cwd()}`, {
    hint: `run ${command('start')}`,
  })
}

/** Finds a stack by id, name, a prefix of either, or folder. */
export async function namedStack<T extends Candidate>(
  wanted: string,
  candidates: readonly T[],
  hint = `run ${command('list -a')} to see all stacks`,
): Promise<T> {
  const folder = await realpath(wanted).catch(() => (wanted.includes('/') ? resolve(wanted) : null))
  // By the name derived from the folder: not every stack records its folder.
  const ofFolder =
    folder === null ? [] : candidates.filter(c => c.stack === folderStack(folder).name)
  const [only] = ofFolder
  if (only && (wanted.includes('/') || wanted === '.')) return only
  return findStack(wanted, candidates, { folder, hint })
}
