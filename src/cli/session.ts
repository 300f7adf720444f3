import { userEnvironment } from '../config/environment.ts'
import { prepareDetached, startDetached } from '../engine/container-exec.ts'
import { createExec, startExec } from '../engine/terminal-exec.ts'
import { createC1Remover } from '../engine/without-c1.ts'
import type { RunningAgent } from '../stack/inspect.ts'
import { needsNothing, sessionHalves } from '../stack/session-halves.ts'
import type { EndedSession } from './after-session.ts'
import { terminalVariables } from './terminal.ts'

/** How a new session begins; one that is open already is joined as it is. */
export type SessionChoice = { fresh: boolean; resume?: string | undefined }

/** Builds the arguments of both halves of a session. */
export function sessionArguments({ fresh, resume }: SessionChoice): string[] {
  return [
    ...(fresh ? ['--fresh'] : []),
    ...(resume === undefined ? [] : ['--', '--resume', resume]),
  ]
}

/** Says how to leave a session, before it opens. A new session shows the same above its first screen. */
export function sayHowToLeave() {
  process.stderr.write('Ctrl-\\ leaves the session and Claude continues; /exit ends it\n')
}

/** Both halves of a session, prepared: the terminal's, and Claude Code's, which starts if the first waits for it. */
export type PreparedSession = { terminal: string; claude: string | null }

/** Prepares a session for this terminal, and starts nothing. */
export async function prepareSession(
  agent: RunningAgent,
  choice: SessionChoice,
): Promise<PreparedSession> {
  const env = terminalVariables(userEnvironment())
  const halves = sessionHalves(agent, sessionArguments(choice), env)
  const [terminal, claude] = await Promise.all([
    createExec(agent.address, halves.terminal, process.stdout),
    halves.claude && prepareDetached(agent.address, halves.claude, env),
  ])
  return { terminal, claude }
}

/** Connects this terminal to a prepared session; resolves with its exit status. */
export function runSession(
  { address }: RunningAgent,
  { terminal, claude }: PreparedSession,
): Promise<number> {
  const ends = { input: process.stdin, output: process.stdout }
  const clean = createC1Remover()
  if (claude === null) return startExec(address, terminal, ends, { clean })
  const missed = () => startDetached(address, claude)
  return startExec(address, terminal, ends, {
    announcement: { text: needsNothing, missed },
    clean,
  })
}

/** Opens a session, or joins the one that is open; resolves with its exit status. */
export async function openSession(agent: RunningAgent, choice: SessionChoice): Promise<number> {
  return runSession(agent, await prepareSession(agent, choice))
}

/** Runs a command of the agent's container, as its user, in this terminal; resolves with its exit status. */
export async function execInTerminal(
  { address, container }: RunningAgent,
  command: readonly string[],
): Promise<number> {
  const env = terminalVariables(userEnvironment())
  const exec = { container, command, workingDirectory: '/workspace', env, user: null }
  const ends = { input: process.stdin, output: process.stdout }
  return startExec(address, await createExec(address, exec, process.stdout), ends)
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
