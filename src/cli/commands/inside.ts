import { spawn } from 'node:child_process'
import { UserError } from '../../base/errors.ts'
import { userEnvironment } from '../../config/environment.ts'
import { type Context, openContext, openEngine } from '../../operations/context.ts'
import { currentStack, runningAgent, runningStack } from '../../operations/find-stacks.ts'
import { inspectStacks, type RunningAgent } from '../../stack/inspect.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { execInTerminal, openSession, reportAfter, sayHowToLeave } from '../session.ts'
import { isInteractive, requireCapableTerminal } from '../terminal.ts'

/** Opens the session of a running stack, from any folder; returns Claude Code's exit status. */
export async function attach(wanted: string | undefined, invocation: Invocation): Promise<number> {
  const context = await openEngine(invocation)
  const state = await runningStack(wanted, await inspectStacks(context.engine))
  // Checked last, so that a wrong name is reported without a terminal too.
  if (!isInteractive()) {
    throw new UserError('attach opens a session and needs a terminal', {
      hint: `run prompts without one: ${calledAs()} run "…"`,
    })
  }
  requireCapableTerminal(userEnvironment().TERM)
  const agent = runningAgent(context, state)
  const session = { ...agent, stack: state.stack, workspace: state.workspace }
  sayHowToLeave()
  return reportAfter({ ...session, verbose: invocation.verbose }, () =>
    openSession(agent, { fresh: false }),
  )
}

/** Opens bash in the claude container; returns its exit status. Also reads commands from a pipe. */
export async function shell(invocation: Invocation): Promise<number> {
  const context = await openContext(invocation)
  const state = await currentStack(context)
  const agent = runningAgent(context, state)
  const { stack, workspace } = state
  return reportAfter({ ...agent, stack, workspace, verbose: invocation.verbose }, () =>
    isInteractive()
      ? execInTerminal(agent, ['claude-secure-foreground', 'bash'])
      : execAttached(context, agent, ['bash']),
  )
}

/** Runs a command in the agent's container when stdin or stdout is not a terminal. */
function execAttached(
  { docker }: Pick<Context, 'docker'>,
  agent: RunningAgent,
  command: readonly string[],
): Promise<number> {
  const args = ['exec', '--interactive', '--workdir', '/workspace', agent.container, ...command]
  return runAttached(docker.file, args, docker.env)
}

/** Runs a child on our own stdin and stdout; resolves with its exit status. */
function runAttached(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const child = spawn(file, args, { cwd: '/', env, stdio: 'inherit' })
    const end = () => child.kill('SIGTERM')
    process.once('SIGTERM', end).once('SIGHUP', end)
    child.once('error', reject)
    child.once('close', code => {
      process.off('SIGTERM', end).off('SIGHUP', end)
      resolve(code ?? 143)
    })
  })
}
