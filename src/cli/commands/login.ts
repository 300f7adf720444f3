import { UserError } from '../../errors.ts'
import { openContext } from '../context.ts'
import type { Invocation } from '../program.ts'
import { runningAgent } from '../running-agent.ts'
import { execInTerminal } from '../session.ts'
import { isInteractive } from '../terminal.ts'
import { workspaceHere } from '../workspace-here.ts'
import { bringUp } from './start.ts'

/**
 * Runs Claude Code's own login inside the container of the current folder. The login stays there, in
 * the home volume; `start` uses it as long as .env names no credential.
 */
export async function login(invocation: Invocation): Promise<number> {
  requireTerminal('login')
  const context = await openContext(invocation)
  if (context.settings.ANTHROPIC_API_KEY || context.settings.CLAUDE_CODE_OAUTH_TOKEN) {
    throw new UserError('.env already names a credential, and start would use that one', {
      hint: 'remove it from .env first, or go on with ./claude.ts start',
    })
  }
  const workspace = await workspaceHere(context)
  const { state } = await bringUp(context, workspace, { mode: 'login' })
  return execInTerminal(runningAgent(context, state), ['claude', 'auth', 'login'])
}

export function requireTerminal(command: string) {
  if (isInteractive()) return
  throw new UserError(`${command} asks questions and needs a terminal`, {
    hint: 'for machines without one, put CLAUDE_CODE_OAUTH_TOKEN or ANTHROPIC_API_KEY into .env',
  })
}
