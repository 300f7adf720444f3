import { spawn } from 'node:child_process'
import { type Context, openContext } from '../../operations/context.ts'
import { currentStack, runningAgent } from '../../operations/find-stacks.ts'
import type { RunningAgent } from '../../stack/inspect.ts'
import type { Invocation } from '../invocation.ts'
import { execInTerminal, reportAfter } from '../session.ts'
import { isInteractive } from '../terminal.ts'

/** Opens bash in the claude container; returns its exit status. Also reads commands from a pipe. */
export async function shell(invocation: Invocation): Promise<number> {
  const context = await openContext(invocation)
  const state = await currentStack(context)
  const agent = runningAgent(context, state)
  const { stack, workspace } = state
  return reportAfter({ ...agent, stack, workspace, verbose: invocation.verbose }, () =>
    isInteractive() ? execInTerminal(agent, ['bash']) : execAttached(context, agent, ['bash']),
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
