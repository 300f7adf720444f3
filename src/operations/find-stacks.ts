import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { type Candidate, findStack } from '../stack/find-stack.ts'
import { inspectStack, type StackState } from '../stack/inspect.ts'
import { stackName } from '../workspace/stack-name.ts'
import type { EngineContext } from './engine-context.ts'

/** Returns the name of the stack that belongs to the current folder, running or not. */
export async function currentStackName(): Promise<string> {
  return stackName(await realpath(process.cwd()))
}

/** Inspects the stack of the current folder; throws when there is none. */
export async function currentStack({ engine }: Pick<EngineContext, 'engine'>): Promise<StackState> {
  const state = await inspectStack(engine, await currentStackName())
  if (state) return state
  throw new UserError(`nothing is running in ${process.cwd()}`, {
    hint: `run ${command('start')}`,
  })
}

/** Finds the stack that was typed: by id, name, prefix of either, or folder. */
export async function namedStack<T extends Candidate>(
  wanted: string,
  candidates: readonly T[],
  hint = `run ${command('list -a')} to see all stacks`,
): Promise<T> {
  const folder = await realpath(wanted).catch(() => (wanted.includes('/') ? resolve(wanted) : null))
  // By the name derived from the folder: not every stack remembers its folder.
  const ofFolder = folder === null ? [] : candidates.filter(c => c.stack === stackName(folder))
  const [only] = ofFolder
  if (only && (wanted.includes('/') || wanted === '.')) return only
  return findStack(wanted, candidates, { folder, hint })
}
