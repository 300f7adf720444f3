import { UserError } from '../../base/errors.ts'
import { openContext } from '../../operations/context.ts'
import { runningAgent } from '../../operations/running-agent.ts'
import { bringUp } from '../../operations/start/start-effects.ts'
import { workspaceHere } from '../../operations/workspace-here.ts'
import { runConfig, runHomes, workspaceKey } from '../../run/run-home.ts'
import type { Invocation } from '../invocation.ts'
import { execInTerminal } from '../session.ts'
import { isInteractive } from '../terminal.ts'

/**
 * Runs Claude Code's own login inside the container of the current folder. The login stays there, in
 * the home volume; `start` uses it as long as .env names no credential, `run` that of `--runs`.
 */
export async function login(options: { runs?: boolean }, invocation: Invocation): Promise<number> {
  requireTerminal('login')
  const context = await openContext(invocation)
  if (context.settings.ANTHROPIC_API_KEY || context.settings.CLAUDE_CODE_OAUTH_TOKEN) {
    throw new UserError('.env already names a credential, and start would use that one', {
      hint: 'remove it from .env first, or go on with ./claude.ts start',
    })
  }
  const workspace = await workspaceHere(context)
  const service = options.runs ? 'worker' : 'claude'
  const { state } = await bringUp(context, workspace, { mode: 'login', agents: [service] })
  const agent = runningAgent(context, state, service)
  return execInTerminal(agent, options.runs ? loginOfRuns : loginOfSessions)
}

const loginOfSessions = ['claude', 'auth', 'login']

/** Runs keep theirs apart: two programs with one login would take each other's next token. */
const home = `${runHomes}/${workspaceKey('/workspace')}`
const loginOfRuns = [
  ...['env', `HOME=${home}`, `CLAUDE_CONFIG_DIR=${runConfig(home)}`],
  ...['sh', '-c', 'mkdir -p -m 0700 "$CLAUDE_CONFIG_DIR" && exec claude auth login'],
]

export function requireTerminal(command: string) {
  if (isInteractive()) return
  throw new UserError(`${command} asks questions and needs a terminal`, {
    hint: 'for machines without one, put CLAUDE_CODE_OAUTH_TOKEN or ANTHROPIC_API_KEY into .env',
  })
}
