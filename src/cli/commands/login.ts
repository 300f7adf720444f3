import { isCancel, log as notes, password } from '@clack/prompts'
import { UserError } from '../../base/errors.ts'
import { setEnvValue } from '../../config/env-file.ts'
import { openContext } from '../../operations/context.ts'
import {
  agentForLogin,
  loginOfRuns,
  loginOfSessions,
  refuseLoginBesideCredential,
} from '../../operations/login.ts'
import { serviceOfRuns, serviceOfSessions } from '../../stack/services.ts'
import { calledAs } from '../called-as.ts'
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

/**
 * Runs `claude setup-token` in the container, then asks for the token it printed and saves it in .env,
 * from which only the gateway receives it.
 */
export async function setupToken(invocation: Invocation): Promise<number> {
  requireTerminal('setup-token')
  const context = await openContext(invocation)
  const status = await execInTerminal(await agentForLogin(context), ['claude', 'setup-token'])
  if (status !== 0) return status
  const token = await password({
    message: 'Paste the token to save it in .env (Enter leaves .env unchanged)',
    validate: value =>
      value && !/^sk-ant-[\x21-\x7e]+$/.test(value.trim())
        ? 'a token begins with sk-ant-'
        : undefined,
  })
  if (isCancel(token) || !token) return 0
  await setEnvValue(context.root, 'CLAUDE_CODE_OAUTH_TOKEN', token.trim())
  notes.success(`saved in .env; ${calledAs()} start uses it, and the agent never sees it`)
  return 0
}

function requireTerminal(command: string) {
  if (isInteractive()) return
  throw new UserError(`${command} asks questions and needs a terminal`, {
    hint: 'without one, put CLAUDE_CODE_OAUTH_TOKEN or ANTHROPIC_API_KEY into .env',
  })
}
