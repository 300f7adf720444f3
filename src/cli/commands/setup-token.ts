import { isCancel, log as notes, password } from '@clack/prompts'
import { setEnvValue } from '../../config/edit-env-file.ts'
import { openContext } from '../../operations/context.ts'
import { agentForLogin } from '../../operations/login.ts'
import type { Invocation } from '../invocation.ts'
import { execInTerminal } from '../session.ts'
import { requireTerminal } from './login.ts'

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
  notes.success('saved in .env; ./claude.ts start uses it, and the agent never sees it')
  return 0
}
