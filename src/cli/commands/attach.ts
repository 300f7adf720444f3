import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { openEngine } from '../../operations/engine-context.ts'
import { currentStackName, namedStack } from '../../operations/find-stacks.ts'
import { runningAgent } from '../../operations/running-agent.ts'
import { type Candidate, listed } from '../../stack/find-stack.ts'
import { inspectStacks, type StackState } from '../../stack/inspect.ts'
import { serviceOfSessions } from '../../stack/services.ts'
import type { Invocation } from '../invocation.ts'
import { execInTerminal, reportAfter, sessionCommand } from '../session.ts'
import { isInteractive } from '../terminal.ts'

/** Opens the session of a running stack, from any folder; returns Claude Code's exit status. */
export async function attach(wanted: string | undefined, invocation: Invocation): Promise<number> {
  const context = await openEngine(invocation)
  const stacks = (await inspectStacks(context.engine)).filter(({ services }) =>
    services.some(({ name, state }) => name === serviceOfSessions && state === 'running'),
  )
  const state = await choose(wanted, stacks)
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

async function choose(wanted: string | undefined, stacks: readonly StackState[]) {
  const running: readonly Candidate[] = stacks
  if (wanted !== undefined) {
    return namedStack(
      wanted,
      stacks,
      running.length > 0
        ? `running: ${listed(running)}`
        : 'no stack is running: run ./claude.ts start in a folder',
    )
  }
  const here = await currentStackName()
  const [only] = stacks
  const chosen = stacks.find(({ stack }) => stack === here) ?? (stacks.length === 1 ? only : null)
  if (chosen) return chosen
  throw new UserError(`nothing is running in ${terminalLine(process.cwd(), 200)}`, {
    hint: only
      ? `name one of these: ${listed(running)}`
      : 'run ./claude.ts start to open a session',
  })
}
