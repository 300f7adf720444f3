import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { runConfig, runHomes, workspaceKey } from '../run/run-home.ts'
import { hasCredential } from '../stack/credential.ts'
import type { RunningAgent } from '../stack/inspect.ts'
import { type AgentService, serviceOfSessions } from '../stack/services.ts'
import type { Context } from './context.ts'
import { runningAgent } from './find-stacks.ts'
import { bringUp } from './start/start-effects.ts'
import { workspaceHere } from './workspace-here.ts'

/** Starts a stack in which Claude Code can reach its login; `worker` has a home of its own. */
export async function agentForLogin(
  context: Context,
  service: AgentService = serviceOfSessions,
): Promise<RunningAgent> {
  const opened = await workspaceHere(context)
  const { state } = await bringUp(context, opened, { mode: 'login', agents: [service] })
  return runningAgent(context, state, service)
}

/** Refuses a login that no later start would use: .env has a credential, or requires one. */
export function refuseLoginBesideCredential({ settings }: Pick<Context, 'settings'>): void {
  if (settings.CREDENTIALS === 'gateway') {
    throw new UserError('CREDENTIALS=gateway refuses a login inside the container', {
      hint: 'set CREDENTIALS=direct in .env first',
    })
  }
  if (!hasCredential(settings)) return
  throw new UserError('.env already has a credential, which start would use instead', {
    hint: `remove it from .env first, or run ${command('start')}`,
  })
}

export const loginOfSessions: readonly string[] = ['claude', 'auth', 'login']

/** Runs have their own login: two programs that share one invalidate each other's refresh token. */
const home = `${runHomes}/${workspaceKey('/workspace')}`
export const loginOfRuns: readonly string[] = [
  ...['env', `HOME=${home}`, `CLAUDE_CONFIG_DIR=${runConfig(home)}`],
  ...['sh', '-c', 'mkdir -p -m 0700 "$CLAUDE_CONFIG_DIR" && exec claude auth login'],
]
