import { randomBytes } from 'node:crypto'
import { UserError } from '../base/errors.ts'
import type { GitRepository } from '../config/git-repositories.ts'
import { modelUpstream, upstreamChoices, upstreamUrl } from '../config/model-upstream.ts'
import type { Settings } from '../config/settings.ts'
import type { Tenant } from '../config/tenants.ts'
import type { ServiceAccount } from './service-account.ts'

/** How Claude Code authenticates, or the gateway in its place. */
export type CredentialMode =
  | 'api-key'
  | 'oauth-token'
  | 'bearer'
  | 'bedrock'
  | 'vertex'
  | 'login'
  | 'rehearsal'

/** The file that the gateway reads: the real secret, and the placeholder it accepts in its place. */
export type CredentialFile = {
  kind: 'api-key' | 'oauth-token' | 'bearer' | 'aws-key' | 'google-key'
  secret: string
  placeholder: string
  /** Of an AWS access key, whose secret is the key's secret. */
  accessKeyId?: string | undefined
  sessionToken?: string | undefined
  /** Of a service account, whose secret is its private key. */
  clientEmail?: string | undefined
  /** Signs the names of the stack's processes. */
  meterKey?: string | undefined
  /** The tenants of a server, which the gateway serves instead of the placeholder above. */
  callers?: CallerFile[] | undefined
  /** What a stack without tenants may reach by git. */
  git?: GitAccessFile | undefined
}

/** The listed repositories, and the user's tokens for their hosts. */
export type GitAccessFile = {
  repositories: GitRepository[]
  tokens: { host: string; user: string; token: string }[]
}

/** What the gateway knows of a tenant. */
export type CallerFile = {
  tenant: string
  placeholder: string
  /** Signs the names of the tenant's processes. */
  meterKey: string
  budget: Tenant['budget']
}

export function credentialMode(settings: Settings): CredentialMode {
  const { ANTHROPIC_API_KEY: key, CLAUDE_CODE_OAUTH_TOKEN: token, CREDENTIALS: custody } = settings
  const upstream = modelUpstream(settings)
  const [choice] = upstreamChoices(settings)
  if (custody === 'direct') {
    const other = choice ?? (key ? 'ANTHROPIC_API_KEY' : token ? 'CLAUDE_CODE_OAUTH_TOKEN' : null)
    if (other) {
      throw new UserError(`CREDENTIALS=direct cannot be combined with ${other}`, {
        hint: 'remove one of the two: with direct, Claude Code logs in by itself in the container',
      })
    }
    return 'login'
  }
  switch (upstream.kind) {
    case 'company':
      return companyMode(settings, upstreamUrl(upstream))
    case 'bedrock':
      if (settings.AWS_BEARER_TOKEN_BEDROCK) return 'bedrock'
      if (settings.AWS_ACCESS_KEY_ID && settings.AWS_SECRET_ACCESS_KEY) return 'bedrock'
      throw new UserError('CLAUDE_CODE_USE_BEDROCK=1 has no credential', {
        hint: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_BEARER_TOKEN_BEDROCK; of a profile or role, aws configure export-credentials prints them',
      })
    case 'vertex':
      if (settings.GOOGLE_APPLICATION_CREDENTIALS) return 'vertex'
      throw new UserError('CLAUDE_CODE_USE_VERTEX=1 has no credential', {
        hint: 'set GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account',
      })
    default:
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

/** A company's gateway takes a key or a bearer token; a subscription's token must never go there. */
function companyMode(settings: Settings, url: string): CredentialMode {
  const { ANTHROPIC_API_KEY: key, ANTHROPIC_AUTH_TOKEN: bearer } = settings
  if (key && bearer) {
    throw new UserError('ANTHROPIC_AUTH_TOKEN cannot be combined with ANTHROPIC_API_KEY', {
      hint: `keep the one that ${url} expects`,
    })
  }
  if (bearer) return 'bearer'
  if (key) return 'api-key'
  throw new UserError(`ANTHROPIC_BASE_URL=${url} has no credential`, {
    hint: 'set ANTHROPIC_AUTH_TOKEN (a bearer token) or ANTHROPIC_API_KEY; it never gets CLAUDE_CODE_OAUTH_TOKEN',
  })
}

/** Returns whether the gateway sends the requests; without that Claude Code logs in by itself. */
export function hasCredential(settings: Settings): boolean {
  const { ANTHROPIC_API_KEY: key, CLAUDE_CODE_OAUTH_TOKEN: token } = settings
  return Boolean(key || token) || upstreamChoices(settings).length > 0
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
 * Returns the content of the gateway's file. The placeholder has the secret's kind, because Claude Code
 * derives its headers from it, and stays the same for a stack: a running session continues when the real
 * secret is replaced.
 *
 * @param account the service account of the mode `vertex`.
 */
export function credentialFile(
  mode: CredentialMode,
  settings: Settings,
  previous: CredentialFile | null,
  account: ServiceAccount | null = null,
): CredentialFile & { meterKey: string } {
  const given = secretOf(mode, settings, account)
  const form = placeholderForm(given.kind)
  const kept = previous && placeholderForm(previous.kind) === form ? previous : null
  return {
    ...given,
    placeholder: kept?.placeholder ?? newPlaceholder(form),
    meterKey: kept?.meterKey ?? newMeterKey(),
  }
}

/**
 * Returns what the gateway must know of a server's tenants. A tenant keeps its placeholder and its key,
 * because its worker has them.
 */
export function tenantCallers(
  tenants: readonly Tenant[],
  { kind }: Pick<CredentialFile, 'kind'>,
  previous: CredentialFile | null,
): CallerFile[] {
  const form = placeholderForm(kind)
  const kept = previous && placeholderForm(previous.kind) === form ? previous.callers : []
  return tenants.map(({ name, budget }) => {
    const before = kept?.find(({ tenant }) => tenant === name)
    return {
      tenant: name,
      placeholder: before?.placeholder ?? newPlaceholder(form),
      meterKey: before?.meterKey ?? newMeterKey(),
      budget,
    }
  })
}

function newPlaceholder(form: keyof typeof prefixes) {
  return `${prefixes[form]}placeholder-${randomBytes(32).toString('base64url')}AA`
}

function newMeterKey() {
  return randomBytes(32).toString('base64url')
}

function secretOf(
  mode: CredentialMode,
  settings: Settings,
  account: ServiceAccount | null,
): Omit<CredentialFile, 'placeholder' | 'meterKey'> {
  switch (mode) {
    case 'api-key':
      return { kind: 'api-key', secret: settings.ANTHROPIC_API_KEY ?? unusedSecret }
    case 'oauth-token':
      return { kind: 'oauth-token', secret: settings.CLAUDE_CODE_OAUTH_TOKEN ?? unusedSecret }
    case 'bearer':
      return { kind: 'bearer', secret: settings.ANTHROPIC_AUTH_TOKEN ?? unusedSecret }
    case 'bedrock': {
      const { AWS_BEARER_TOKEN_BEDROCK: bearer, AWS_SESSION_TOKEN: sessionToken } = settings
      if (bearer) return { kind: 'bearer', secret: bearer }
      return {
        kind: 'aws-key',
        accessKeyId: settings.AWS_ACCESS_KEY_ID ?? '',
        secret: settings.AWS_SECRET_ACCESS_KEY ?? '',
        ...(sessionToken && { sessionToken }),
      }
    }
    case 'vertex':
      return {
        kind: 'google-key',
        clientEmail: account?.clientEmail ?? '',
        secret: account?.privateKey ?? '',
      }
    default:
      // Not a real secret: login mode needs none from the gateway, and the rehearsal checks none.
      return { kind: 'oauth-token', secret: unusedSecret }
  }
}

/** Returns the kind of placeholder for a credential: Claude Code knows keys and OAuth tokens alone. */
function placeholderForm(kind: CredentialFile['kind']) {
  return kind === 'oauth-token' ? 'oauth-token' : 'api-key'
}

/** The variable through which Claude Code gets its placeholder. */
export function placeholderVariable(kind: CredentialFile['kind']) {
  return placeholderForm(kind) === 'api-key' ? 'ANTHROPIC_API_KEY' : 'CLAUDE_CODE_OAUTH_TOKEN'
}
