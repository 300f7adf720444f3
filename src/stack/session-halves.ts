import type { ContainerExec } from '../engine/container-exec.ts'
import type { TerminalExec } from '../engine/terminal-exec.ts'
import type { RunningAgent } from './inspect.ts'

/** Begins the output of the terminal's half unless it waits for Claude Code's. */
export const needsNothing = '\u001b_claude-secure: no start\u001b\\'

/** The commands of a session: the terminal's half, and Claude Code's, which a stack of an earlier version lacks. */
export type SessionHalves = { terminal: TerminalExec; claude: ContainerExec | null }

/**
 * Returns the two halves of a session. Its terminal belongs to a user of its own, out of the agent's reach;
 * Claude Code has the agent's. Only the engine can start a process as either.
 *
 * @param options arguments of both halves
 * @param env the terminal's variables as `NAME=value`
 */
export function sessionHalves(
  { container, keeper }: Pick<RunningAgent, 'container' | 'keeper'>,
  options: readonly string[],
  env: readonly string[],
): SessionHalves {
  // The agent decides who may enter the workspace.
  const workingDirectory = keeper === null ? '/workspace' : '/'
  const command = ['claude-secure-session', ...options]
  const ofClaude = ['claude-secure-session-agent', ...options]
  return {
    terminal: { container, command, workingDirectory, env, user: keeper },
    claude:
      keeper === null ? null : { container, command: ofClaude, workingDirectory: '/workspace' },
  }
}
