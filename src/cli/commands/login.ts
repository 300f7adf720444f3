import { UserError } from '../../base/errors.ts'
import { openContext } from '../../operations/context.ts'
import {
  agentForLogin,
  loginOfRuns,
  loginOfSessions,
  refuseLoginBesideCredential,
} from '../../operations/login.ts'
import { serviceOfRuns, serviceOfSessions } from '../../stack/services.ts'
import type { Invocation } from '../invocation.ts'
import { execInTerminal } from '../session.ts'
import { isInteractive } from '../terminal.ts'

/**
 * Runs Claude Code's own login inside the container of the current folder. The login stays in its home
 * volume; `start` uses it as long as .env has no credential, and `run` uses that of `--runs`.
 */
export async function login(
  { runs = false }: { runs?: boolean },
  invocation: Invocation,
): Promise<number> {
  requireTerminal('login')
  const context = await openContext(invocation)
  refuseLoginBesideCredential(context)
  const agent = await agentForLogin(context, runs ? serviceOfRuns : serviceOfSessions)
  return execInTerminal(agent, runs ? loginOfRuns : loginOfSessions)
}

export function requireTerminal(command: string) {
  if (isInteractive()) return
  throw new UserError(`${command} asks questions and needs a terminal`, {
    hint: 'without one, put CLAUDE_CODE_OAUTH_TOKEN or ANTHROPIC_API_KEY into .env',
  })
}
