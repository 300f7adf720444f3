import { openContext } from '../../operations/context.ts'
import { currentStack } from '../../operations/current-stack.ts'
import type { Invocation } from '../invocation.ts'
import { execAttached, runningAgent } from '../running-agent.ts'
import { andTellAfter, execInTerminal } from '../session.ts'
import { isInteractive } from '../terminal.ts'

/** Opens bash in the claude container; returns its exit status. Also takes commands from a pipe. */
export async function shell(invocation: Invocation): Promise<number> {
  const context = await openContext(invocation)
  const state = await currentStack(context)
  const agent = runningAgent(context, state)
  const { stack, workspace } = state
  return andTellAfter({ ...agent, stack, workspace, verbose: invocation.verbose }, () =>
    isInteractive() ? execInTerminal(agent, ['bash']) : execAttached(context, agent, ['bash']),
  )
}
