import { join } from 'node:path'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Settings } from '../../config/settings.ts'
import { hasCredential } from '../../stack/credential.ts'
import type { StackState } from '../../stack/inspect.ts'
import type { Context } from '../context.ts'

/** Returns whether a start with these settings would be a login that the settings do not ask for. */
export function mayFallBack(settings: Settings): boolean {
  return settings.CREDENTIALS === 'auto' && !hasCredential(settings)
}

/** Modes without a credential in the gateway: nothing is lost when a login replaces them. */
const withoutCredential: readonly string[] = ['', 'login', 'rehearsal']

/**
 * Refuses a start that would become a login by accident: the stack has a credential that this call
 * lacks, or no person is there to log in. A login opens the login names for the agent.
 */
export function refuseFallback(
  { settings, canAsk, root }: Pick<Context, 'settings' | 'canAsk' | 'root'>,
  before: Pick<StackState, 'stack' | 'credentials'> | null,
): void {
  if (!mayFallBack(settings)) return
  const where = `${terminalLine(join(root, '.env'))} or the environment`
  if (before && !withoutCredential.includes(before.credentials)) {
    throw new UserError(
      `no credential in ${where}, and ${before.stack} runs with one: a login would replace it`,
      {
        hint: `set the credential again, or run ${command('stop')} first to log in instead`,
      },
    )
  }
  if (canAsk || before?.credentials === 'login') return
  throw new UserError(`no credential in ${where}, and no terminal to log in`, {
    hint: 'set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN there; CREDENTIALS=direct uses an earlier login',
  })
}
