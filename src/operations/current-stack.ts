import { realpath } from 'node:fs/promises'
import { UserError } from '../base/errors.ts'
import { inspectStack, type StackState } from '../stack/inspect.ts'
import { stackName } from '../workspace/stack-name.ts'
import type { EngineContext } from './engine-context.ts'

/** Name of the stack that belongs to the current folder, running or not. */
export async function currentStackName(): Promise<string> {
  return stackName(await realpath(process.cwd()))
}

/** The stack of the current folder; an error when there is none. */
export async function currentStack({ engine }: Pick<EngineContext, 'engine'>): Promise<StackState> {
  const state = await inspectStack(engine, await currentStackName())
  if (state) return state
  throw new UserError(`nothing runs in ${process.cwd()}`, {
    hint: './claude.ts start brings it up',
  })
}
