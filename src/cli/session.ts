import { userEnvironment } from '../config/environment.ts'
import { prepareDetached, startDetached } from '../engine/container-exec.ts'
import { createExec, startExec } from '../engine/terminal-exec.ts'
import { createC1Remover } from '../engine/without-c1.ts'
import type { RunningAgent } from '../stack/inspect.ts'
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

/** Begins the output of the terminal's half unless it waits for Claude Code's. */
const needsNothing = '\u001b_claude-secure: no start\u001b\\'

/**
 * Prepares a session for this terminal. Its terminal belongs to a user of its own, out of the agent's
 * reach; Claude Code has the agent's. Only the engine can start a process as either.
 */
export async function prepareSession(
  { address, container, keeper }: RunningAgent,
  choice: SessionChoice,
): Promise<PreparedSession> {
  const env = terminalVariables(userEnvironment())
  const options = sessionArguments(choice)
  const command = ['claude-secure-session', ...options]
  // The agent decides who may enter the workspace.
  const workingDirectory = keeper === null ? '/workspace' : '/'
  const exec = { container, command, workingDirectory, env, user: keeper }
  const ofClaude = {
    container,
    command: ['claude-secure-session-agent', ...options],
    workingDirectory: '/workspace',
  }
  const [terminal, claude] = await Promise.all([
    createExec(address, exec, process.stdout),
    keeper === null ? null : prepareDetached(address, ofClaude, env),
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
