import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { stackOwner } from '../config/environment.ts'
import { folderStack, type StackIdentity } from '../stack/identity.ts'
import {
  type Candidate,
  findStack,
  inspectStack,
  listed,
  type RunningAgent,
  type StackState,
  serviceOf,
} from '../stack/inspect.ts'
import { type AgentService, serviceOfSessions } from '../stack/services.ts'
import { refuseOtherOwner } from '../stack/state/owner.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import type { EngineContext } from './context.ts'

/** Returns the stack of the current folder, running or not. */
export async function currentIdentity(): Promise<StackIdentity> {
  return folderStack(await realpath(process.cwd()), stackOwner())
}

/** Returns the name of a stack, running or not; refuses when its state belongs to another stack. */
export async function ownedStackName(identity: StackIdentity): Promise<string> {
  await refuseOtherOwner(identity, stateFolder(identity.name))
  return identity.name
}

/** Returns the name of the stack that belongs to the current folder, running or not. */
export async function currentStackName(): Promise<string> {
  return ownedStackName(await currentIdentity())
}

/** Inspects a stack; null when it has no containers. Refuses when they or its state belong to another. */
export async function findOwnedStack(
  { engine }: Pick<EngineContext, 'engine'>,
  identity: StackIdentity,
): Promise<StackState | null> {
  const state = await inspectStack(engine, await ownedStackName(identity))
  await refuseOtherOwner(identity, stateFolder(identity.name), state)
  return state
}

/** Inspects the stack of the current folder; null when there is none. */
export async function findCurrentStack(
  context: Pick<EngineContext, 'engine'>,
): Promise<StackState | null> {
  return findOwnedStack(context, await currentIdentity())
}

/** Inspects the stack of the current folder; throws when there is none. */
export async function currentStack(context: Pick<EngineContext, 'engine'>): Promise<StackState> {
  const state = await findCurrentStack(context)
  if (state) return state
  throw new UserError(`nothing is running in ${process.cwd()}`, {
    hint: `run ${command('start')} to start a stack here`,
  })
}

/** Finds a stack by id, name, a prefix of either, or folder. */
export async function namedStack<T extends Candidate>(
  wanted: string,
  candidates: readonly T[],
  { hint = `run ${command('list -a')} to see all stacks`, kind = 'stack' } = {},
): Promise<T> {
  const folder = await realpath(wanted).catch(() => (wanted.includes('/') ? resolve(wanted) : null))
  // By the name derived from the folder, because not every stack records its folder; one that records another only
  // has the same name.
  const derived = folder === null ? null : folderStack(folder).name
  const ofFolder = candidates.find(
    ({ stack, workspace }) => stack === derived && (!workspace || workspace === folder),
  )
  if (ofFolder && (wanted.includes('/') || wanted === '.')) return ofFolder
  return findStack(wanted, candidates, {
    folder,
    folderStack: ofFolder ? derived : null,
    hint,
    kind,
  })
}

/**
 * Finds a stack whose session can be opened: the named one, otherwise that of the current folder,
 * otherwise the user's only one that runs.
 */
export async function runningStack(
  wanted: string | undefined,
  states: readonly StackState[],
): Promise<StackState> {
  const stacks = states.filter(state => serviceOf(state, serviceOfSessions)?.state === 'running')
  const running: readonly Candidate[] = stacks
  if (wanted !== undefined) {
    const hint =
      running.length > 0
        ? `running: ${listed(running)}`
        : `no stack is running: run ${command('start')} in a folder`
    return namedStack(wanted, stacks, { hint, kind: 'running stack' })
  }
  const here = await currentStackName()
  const mine = stacks.filter(({ identity }) => (identity?.owner ?? stackOwner()) === stackOwner())
  const [only] = mine
  const ours = stacks.find(({ stack }) => stack === here)
  // The state folder may know nothing of the stack: then its containers tell whose it is.
  if (ours) await refuseOtherOwner(await currentIdentity(), stateFolder(here), ours)
  const chosen = ours ?? (mine.length === 1 ? only : null)
  if (chosen) return chosen
  throw new UserError(`nothing is running in ${terminalLine(process.cwd(), 200)}`, {
    hint: only
      ? `name one of these: ${listed(running)}`
      : `run ${command('start')} to open a session`,
  })
}

/** Returns the agent of an inspected stack; throws when its container is not running. */
export function runningAgent(
  { engine }: Pick<EngineContext, 'engine'>,
  state: StackState,
  service: AgentService = serviceOfSessions,
): RunningAgent {
  const agent = serviceOf(state, service)
  if (agent?.state === 'running') {
    return { address: engine.address, container: agent.container, keeper: state.keeper }
  }
  throw new UserError(`the ${service} container of ${state.stack} is not running`, {
    hint: `run ${command(service === serviceOfSessions ? 'start' : 'start --worker')}`,
  })
}
