import { spawn } from 'node:child_process'
import { UserError } from '../base/errors.ts'
import type { Context } from '../operations/context.ts'
import { type StackState, serviceOf } from '../stack/inspect.ts'
import type { RunningAgent } from '../stack/running-agent.ts'
import type { AgentService } from '../stack/stack-file.ts'

/** The agent of a stack that was looked at; an error when its container does not run. */
export function runningAgent(
  { engine }: Pick<Context, 'engine'>,
  state: StackState,
  service: AgentService = 'claude',
): RunningAgent {
  const agent = serviceOf(state, service)
  if (agent?.state === 'running') return { address: engine.address, container: agent.container }
  throw new UserError(`the ${service} container of ${state.stack} is not running`, {
    hint: `./claude.ts ${service === 'claude' ? 'start' : 'start --worker'} brings it up`,
  })
}

/** Runs a command in the agent's container on input and output that are no terminal. */
export function execAttached(
  { docker }: Pick<Context, 'docker'>,
  agent: RunningAgent,
  command: readonly string[],
): Promise<number> {
  const args = ['exec', '--interactive', '--workdir', '/workspace', agent.container, ...command]
  return runAttached(docker.file, args, docker.env)
}

/** Runs a child on our own input and output, and resolves with its exit status. */
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
