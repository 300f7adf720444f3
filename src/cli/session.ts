import { userEnvironment } from '../config/environment.ts'
import type { EngineAddress } from '../docker/engine.ts'
import { execOnTerminal } from '../docker/terminal-exec.ts'
import { terminalVariables } from './terminal.ts'

/** Where the agent of a stack is. */
export type RunningAgent = { address: EngineAddress; container: string }

/**
 * Opens Claude Code in this terminal, or attaches to the session that runs already. The session
 * lives in the container: a closed terminal does not end it.
 */
export function openSession(agent: RunningAgent, options: { fresh: boolean }): Promise<number> {
  return execInTerminal(agent, ['claude-secure-session', ...(options.fresh ? ['--fresh'] : [])])
}

/** Runs a command of the claude container in this terminal; resolves with its exit status. */
export function execInTerminal(agent: RunningAgent, command: readonly string[]): Promise<number> {
  const exec = {
    container: agent.container,
    command,
    workingDirectory: '/workspace',
    env: terminalVariables(userEnvironment()),
  }
  return execOnTerminal(agent.address, exec, { input: process.stdin, output: process.stdout })
}
