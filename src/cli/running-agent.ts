import { UserError } from '../errors.ts'
import { type StackState, serviceOf } from '../stack/inspect.ts'
import type { Context } from './context.ts'
import type { RunningAgent } from './session.ts'
import { runAttached } from './terminal.ts'

/** The agent of a stack that was looked at; an error when its container does not run. */
export function runningAgent({ engine }: Pick<Context, 'engine'>, state: StackState): RunningAgent {
  const claude = serviceOf(state, 'claude')
  if (claude?.state === 'running') return { address: engine.address, container: claude.container }
  throw new UserError(`the claude container of ${state.stack} is not running`, {
    hint: './claude.ts start brings it up',
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
