import { randomBytes } from 'node:crypto'
import { UserError } from '../base/errors.ts'
import type { Settings } from '../config/settings.ts'

/** How Claude Code authenticates. */
export type CredentialMode = 'api-key' | 'oauth-token' | 'login' | 'rehearsal'

/** The file that the gateway reads: the real secret, and the placeholder it accepts in its place. */
export type CredentialFile = {
  kind: 'api-key' | 'oauth-token'
  secret: string
  placeholder: string
}

export function credentialMode(settings: Settings): CredentialMode {
  const { ANTHROPIC_API_KEY: key, CLAUDE_CODE_OAUTH_TOKEN: token, CREDENTIALS: custody } = settings
  if (custody === 'direct') {
    if (key || token) {
      throw new UserError(
        `CREDENTIALS=direct cannot be combined with ${key ? 'ANTHROPIC_API_KEY' : 'CLAUDE_CODE_OAUTH_TOKEN'}`,
        {
          hint: 'remove one of the two: with direct, Claude Code logs in by itself in the container',
        },
      )
    }
    return 'login'
  }
  if (key) return 'api-key'
  if (token) return 'oauth-token'
  if (custody === 'gateway') {
    throw new UserError('CREDENTIALS=gateway, but there is no credential for the gateway', {
      hint: 'set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in .env, or remove CREDENTIALS from it',
    })
  }
  return 'login'
}

/** Returns whether the gateway has a credential to send; without one Claude Code logs in by itself. */
export function hasCredential(settings: Settings): boolean {
  return Boolean(settings.ANTHROPIC_API_KEY || settings.CLAUDE_CODE_OAUTH_TOKEN)
}

/** Returns one sentence for `status` about the protection this mode loses against the gateway, or null. */
export function weakness(mode: CredentialMode): string | null {
  return mode === 'login'
    ? 'the login lives in the agent container, and the agent may reach api.anthropic.com, claude.ai, claude.com and platform.claude.com'
    : null
}

/** The secret in the gateway's file in a mode without a credential. */
export const unusedSecret = 'no-credential-in-this-mode'

const prefixes = { 'api-key': 'sk-ant-api03-', 'oauth-token': 'sk-ant-oat01-' }

/**
 * Returns the content of the gateway's file, or null when Claude Code logs in by itself. The placeholder
 * has the secret's kind, because Claude Code derives its headers from it, and stays the same for a
 * stack: a running session continues when the real secret is replaced.
 */
export function credentialFile(
  mode: CredentialMode,
  settings: Settings,
  previous: CredentialFile | null,
): CredentialFile {
  const kind = mode === 'api-key' ? 'api-key' : 'oauth-token'
  const secret =
    mode === 'api-key'
      ? settings.ANTHROPIC_API_KEY
      : mode === 'oauth-token'
        ? settings.CLAUDE_CODE_OAUTH_TOKEN
        : // Not a real secret: login mode needs none from the gateway, and the rehearsal checks none.
          unusedSecret
  const placeholder =
    previous?.kind === kind
      ? previous.placeholder
      : `${prefixes[kind]}placeholder-${randomBytes(32).toString('base64url')}AA`
  return { kind, secret: secret ?? unusedSecret, placeholder }
}

/** The variable through which Claude Code gets its placeholder. */
export function placeholderVariable(kind: CredentialFile['kind']) {
  return kind === 'api-key' ? 'ANTHROPIC_API_KEY' : 'CLAUDE_CODE_OAUTH_TOKEN'
}
