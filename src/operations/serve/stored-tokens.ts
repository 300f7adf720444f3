import { createHash, randomBytes } from 'node:crypto'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { parseJson } from '../../base/json.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Settings } from '../../config/settings.ts'
import {
  defaultTenant,
  StoredToken,
  StoredTokens,
  type Tenant,
  tokenModes,
} from '../../config/tenants.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import type { CredentialMode } from '../../stack/credential.ts'
import { type ServerFolder, writeServerFile } from '../../stack/server/server-folder.ts'

/** The name of the token in API_TOKEN, or of the one that `serve up` makes. */
export const defaultToken = 'default'

const largest = 4 * 1024 * 1024

export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex')
}

/** Makes a token of 256 random bits. */
export function newToken(): string {
  return `cs-${randomBytes(32).toString('base64url')}`
}

/** Reads tokens.json; empty without the file. Throws for a damaged file: it must not lose tokens. */
export async function readTokens({ tokens: path }: ServerFolder): Promise<StoredToken[]> {
  const file = await readRegularFile(path, { limit: largest })
  if (file.kind === 'missing') return []
  const content = file.kind === 'bytes' ? parseJson(file.bytes.toString()) : undefined
  const parsed = StoredTokens.safeParse(content)
  if (parsed.success) return parsed.data.tokens
  throw new UserError(`${terminalLine(path)} is damaged`, {
    hint: `remove it, then run ${command('serve up')} and add the tokens again`,
  })
}

export async function writeTokens(
  folder: ServerFolder,
  tokens: readonly StoredToken[],
  user: { uid: number; gid: number },
): Promise<void> {
  const content: StoredTokens = { version: 1, tokens: [...tokens] }
  await writeServerFile(folder.tokens, `${JSON.stringify(content, null, 2)}\n`, user)
}

/** Where a person finds a token that opens the server. */
export type TokenPlace =
  | { kind: 'setting' }
  | { kind: 'file'; path: string }
  | { kind: 'added'; names: string[] }
  | { kind: 'none' }

/**
 * Returns the tokens in force, and where one of them is: those that were added, and API_TOKEN or, without any,
 * one in a file of our own.
 */
export async function tokensInForce(
  folder: ServerFolder,
  given: { settings: Settings; tenants: readonly Tenant[]; withoutToken: boolean },
): Promise<{ tokens: StoredToken[]; place: TokenPlace; own: string | null }> {
  const { settings, tenants, withoutToken } = given
  const stored = await readTokens(folder)
  const added = stored.filter(({ name }) => name !== defaultToken)
  const before = stored.find(({ name }) => name === defaultToken)
  const hasMain = tenants.some(({ name }) => name === defaultTenant)
  const { API_TOKEN: setting } = settings
  if (setting !== undefined) {
    if (!hasMain) {
      throw new UserError(`API_TOKEN belongs to the tenant ${defaultTenant}, which is not listed`, {
        hint: `add ${defaultTenant} to tenants.yaml, or remove API_TOKEN and run ${command('serve token add NAME')}`,
      })
    }
    const tokens = [defaultEntry(setting, before), ...added]
    return { tokens, place: { kind: 'setting' }, own: null }
  }
  if (added.length > 0) {
    return {
      tokens: added,
      place: { kind: 'added', names: added.map(({ name }) => name) },
      own: null,
    }
  }
  if (withoutToken) return { tokens: [], place: { kind: 'none' }, own: null }
  if (!hasMain) {
    throw new UserError('no token opens this server, and without the tenant main it makes none', {
      hint: `run ${command('serve token add NAME --tenant TENANT')} first`,
    })
  }
  const file = await readRegularFile(folder.ownToken, { limit: 1024 })
  const kept = file.kind === 'bytes' ? file.bytes.toString().trim() : ''
  const own = kept.length >= 32 ? kept : newToken()
  return {
    tokens: [defaultEntry(own, before)],
    place: { kind: 'file', path: folder.ownToken },
    own,
  }
}

/** Returns the entry of the default token; one with the same hash keeps its time. */
function defaultEntry(token: string, before: StoredToken | undefined): StoredToken {
  const sha256 = hashToken(token)
  const createdAt = before?.sha256 === sha256 ? before.createdAt : new Date().toISOString()
  return StoredToken.parse({
    name: defaultToken,
    tenant: defaultTenant,
    sha256,
    createdAt,
    modes: [...tokenModes],
  })
}

/**
 * Refuses several tokens, or several people in chats, on a subscription's token, which Anthropic's terms give to one
 * person. One token and one person in a chat count as the same.
 */
export function refuseShared(
  tokens: readonly StoredToken[],
  mode: CredentialMode,
  { SHARED_OAUTH: shared }: Pick<Settings, 'SHARED_OAUTH'>,
  people = 0,
): void {
  if (!isOfOnePerson(mode, shared) || (tokens.length < 2 && people < 2)) return
  const who = tokens.length < 2 ? `${people} people in telegram.yml` : `${tokens.length} tokens`
  throw new UserError(
    `${who} would share CLAUDE_CODE_OAUTH_TOKEN, which Anthropic's terms allow for its purchaser's own use only`,
    {
      hint: 'set ANTHROPIC_API_KEY instead, or SHARED_OAUTH=accept in .env if all of them are yours',
    },
  )
}

/** Returns whether one person alone may use the credential. */
export function isOfOnePerson(mode: CredentialMode, shared: Settings['SHARED_OAUTH']): boolean {
  return mode === 'oauth-token' && shared !== 'accept'
}
