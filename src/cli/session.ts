import { userEnvironment } from '../config/environment.ts'
import { execOnTerminal } from '../docker/terminal-exec.ts'
import { UserError } from '../errors.ts'
import { type StackState, serviceOf } from '../stack/inspect.ts'
import type { Context } from './context.ts'
import { runAttached, terminalVariables } from './terminal.ts'

/**
 * Opens Claude Code in this terminal, or attaches to the session that runs already. The session
 * lives in the container: a closed terminal does not end it.
 */
export function openSession(context: Context, state: StackState, args: readonly string[]) {
  return execInTerminal(context, state, ['claude-secure-session', ...args])
}

/** Runs a command of the claude container in this terminal; resolves with its exit status. */
export function execInTerminal(
  { engine }: Pick<Context, 'engine'>,
  state: StackState,
  command: readonly string[],
): Promise<number> {
  const exec = {
    container: runningClaude(state),
    command,
    workingDirectory: '/workspace',
    env: terminalVariables(userEnvironment()),
  }
  return execOnTerminal(engine.address, exec, { input: process.stdin, output: process.stdout })
}

/** The same for input and output that are no terminal. */
export function execAttached(
  { docker }: Pick<Context, 'docker'>,
  state: StackState,
  command: readonly string[],
): Promise<number> {
  const args = [
    'exec',
    '--interactive',
    '--workdir',
    '/workspace',
    runningClaude(state),
    ...command,
  ]
  return runAttached(docker.file, args, docker.env)
}

function runningClaude(state: StackState): string {
  const claude = serviceOf(state, 'claude')
  if (claude?.state === 'running') return claude.container
  throw new UserError(`the claude container of ${state.stack} is not running`, {
    hint: './claude.ts start brings it up',
  })
}
