import { userEnvironment } from '../config/environment.ts'
import { createExec, startExec } from '../engine/terminal-exec.ts'
import type { RunningAgent } from '../stack/inspect.ts'
import type { EndedSession } from './after-session.ts'
import { terminalVariables } from './terminal.ts'

/** Builds the command that opens Claude Code's session, or attaches to the one that is running. */
export function sessionCommand(options: { fresh: boolean; resume?: string | undefined }): string[] {
  const { fresh, resume } = options
  return [
    'claude-secure-session',
    ...(fresh ? ['--fresh'] : []),
    ...(resume === undefined ? [] : ['--', '--resume', resume]),
  ]
}

/** Says how to leave a session, before it opens. A new session shows the same above its first screen. */
export function sayHowToLeave() {
  process.stderr.write('Ctrl-\\ leaves the session and Claude continues; /exit ends it\n')
}

/** Prepares a command in the agent's container for this terminal; returns the id of the exec. */
export function prepareInTerminal(
  { address, container }: RunningAgent,
  command: readonly string[],
): Promise<string> {
  const env = terminalVariables(userEnvironment())
  return createExec(
    address,
    { container, command, workingDirectory: '/workspace', env },
    process.stdout,
  )
}

/** Connects this terminal to a prepared command; resolves with its exit status. */
export function runPrepared({ address }: RunningAgent, id: string): Promise<number> {
  return startExec(address, id, { input: process.stdin, output: process.stdout })
}

/**
 * Runs a command of the agent's container in this terminal; resolves with its exit status. Claude
 * Code's session lives in the container: closing the terminal does not end it.
 */
export async function execInTerminal(
  agent: RunningAgent,
  command: readonly string[],
): Promise<number> {
  return runPrepared(agent, await prepareInTerminal(agent, command))
}

/** Runs a session to its end and reports its notices; resolves with its exit status. */
export async function reportAfter(
  session: Omit<EndedSession, 'since'>,
  run: () => Promise<number>,
): Promise<number> {
  const since = new Date()
  const status = await run()
  await import('./after-session.ts')
    .then(({ afterSession }) => afterSession({ ...session, since }))
    // The session has ended, and its status is the answer.
    .catch(() => {})
  return status
}
