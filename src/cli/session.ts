import { userEnvironment } from '../config/environment.ts'
import { UserError } from '../errors.ts'
import { type StackState, serviceOf } from '../stack/inspect.ts'
import type { Context } from './context.ts'
import { runInTerminal, terminalVariables } from './terminal.ts'

/** Docker's own detach keys would hold back every Ctrl-P; these two nobody types. */
const detachKeys = 'ctrl-@,ctrl-_'

/**
 * Opens Claude Code in this terminal, or attaches to the session that runs already. The session
 * lives in the container: a closed terminal does not end it.
 */
export function openSession(context: Context, state: StackState, args: readonly string[]) {
  return execInTerminal(context, state, ['claude-secure-session', ...args])
}

/** Runs a command of the claude container in this terminal; resolves with its exit status. */
export function execInTerminal(
  { docker }: Context,
  state: StackState,
  command: readonly string[],
  options: { tty?: boolean } = {},
): Promise<number> {
  const claude = serviceOf(state, 'claude')
  if (claude?.state !== 'running') {
    throw new UserError(`the claude container of ${state.stack} is not running`, {
      hint: './claude.ts start brings it up',
    })
  }
  const terminal =
    options.tty === false
      ? ['--interactive']
      : [
          '--interactive',
          '--tty',
          '--detach-keys',
          detachKeys,
          ...terminalVariables(userEnvironment()),
        ]
  return runInTerminal(
    docker.file,
    ['exec', ...terminal, '--workdir', '/workspace', claude.container, ...command],
    docker.env,
  )
}
