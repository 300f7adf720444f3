import { UserError } from '../../base/errors.ts'
import { openEngine } from '../../operations/context.ts'
import { runningAgent, runningStack } from '../../operations/find-stacks.ts'
import { inspectStacks } from '../../stack/inspect.ts'
import type { Invocation } from '../invocation.ts'
import { execInTerminal, reportAfter, sessionCommand } from '../session.ts'
import { isInteractive } from '../terminal.ts'

/** Opens the session of a running stack, from any folder; returns Claude Code's exit status. */
export async function attach(wanted: string | undefined, invocation: Invocation): Promise<number> {
  const context = await openEngine(invocation)
  const state = await runningStack(wanted, await inspectStacks(context.engine))
  // Checked last, so that a wrong name is reported without a terminal too.
  if (!isInteractive()) {
    throw new UserError('attach opens a session and needs a terminal', {
      hint: 'run prompts without one: ./claude.ts run "…"',
    })
  }
  const agent = runningAgent(context, state)
  const session = { ...agent, stack: state.stack, workspace: state.workspace }
  return reportAfter({ ...session, verbose: invocation.verbose }, () =>
    execInTerminal(agent, sessionCommand({ fresh: false })),
  )
}
