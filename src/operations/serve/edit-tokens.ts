import { rm } from 'node:fs/promises'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { defaultTenant, StoredToken, type Tenant } from '../../config/tenants.ts'
import { credentialMode } from '../../stack/credential.ts'
import { makeServerFolders, serverFolder } from '../../stack/server/server-folder.ts'
import { withLock } from '../../stack/state/lock.ts'
import { claimState } from '../../stack/state/owner.ts'
import { makeStateFolder, stateFolder } from '../../stack/state/state-folder.ts'
import type { Context } from '../context.ts'
import { ownPlaces } from '../workspace-here.ts'
import { serverIdentity } from './server-context.ts'
import {
  defaultToken,
  hashToken,
  newToken,
  readTokens,
  refuseShared,
  writeTokens,
} from './stored-tokens.ts'
import { readTenants } from './tenants-file.ts'
import { openWorkspaces, workspacesPath } from './workspaces-folder.ts'

type TokenContext = Pick<Context, 'root' | 'found' | 'settings' | 'signal'> & { log: Log }

/** The rights of a new token. A part that is left out limits nothing. */
export type TokenRights = Partial<
  Pick<StoredToken, 'tenant' | 'workspaces' | 'models' | 'modes' | 'budget' | 'strictStatus'>
>

/** Adds a token, and returns it: only its hash is stored. A running server takes it at once. */
export async function addToken(
  context: TokenContext,
  name: string,
  rights: TokenRights,
  server?: string,
): Promise<{ token: string; entry: StoredToken }> {
  const tenants = await readTenants(context.settings)
  const token = newToken()
  const entry = parseEntry({
    name,
    tenant: rights.tenant ?? defaultTenant,
    sha256: hashToken(token),
    createdAt: new Date().toISOString(),
    ...rights,
  })
  refuseName(name)
  refuseUnknownTenant(entry.tenant, tenants)
  await edit(context, server, async ({ tokens, dropOwn }) => {
    if (tokens.some(present => present.name === name)) {
      throw new UserError(`there is a token ${terminalLine(name, 70)} already`, {
        hint: `run ${command(`serve token revoke ${terminalLine(name, 70)}`)} first, or choose another name`,
      })
    }
    // The one that `serve up` made is for a server without any other.
    const kept = context.settings.API_TOKEN
      ? tokens
      : tokens.filter(present => present.name !== defaultToken)
    refuseShared([...kept, entry], credentialMode(context.settings), context.settings)
    if (kept.length < tokens.length) await dropOwn()
    return [...kept, entry]
  })
  return { token, entry }
}

/** Revokes a token. A running server refuses it at once. */
export async function revokeToken(context: TokenContext, name: string, server?: string) {
  refuseName(name)
  await edit(context, server, async ({ tokens }) => {
    const kept = tokens.filter(present => present.name !== name)
    if (kept.length === tokens.length) {
      throw new UserError(`there is no token ${terminalLine(name, 70)}`, {
        hint: `run ${command('serve token list')} to see the names`,
      })
    }
    return kept
  })
}

/** Returns the tokens without their hashes. */
export async function listTokens(server?: string): Promise<Omit<StoredToken, 'sha256'>[]> {
  const tokens = await readTokens(serverFolder(stateFolder(serverIdentity(server).name)))
  return tokens.map(({ sha256: _, ...rest }) => rest)
}

type Edit = { tokens: StoredToken[]; dropOwn: () => Promise<void> }

async function edit(
  context: TokenContext,
  server: string | undefined,
  change: (edit: Edit) => Promise<StoredToken[]>,
) {
  const { settings, log, signal } = context
  const identity = serverIdentity(server)
  const env = userEnvironment()
  const { user } = await openWorkspaces(workspacesPath(settings, env), ownPlaces(context), env)
  await withLock(identity.name, { log, signal }, async () => {
    const state = stateFolder(identity.name)
    const folder = serverFolder(state)
    await makeStateFolder(state)
    await claimState(identity, state)
    await makeServerFolders(folder, user)
    const dropOwn = () => rm(folder.ownToken, { force: true })
    const tokens = await change({ tokens: await readTokens(folder), dropOwn })
    await writeTokens(folder, tokens, user)
  })
}

function parseEntry(entry: object): StoredToken {
  const parsed = StoredToken.safeParse(entry)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new UserError(
    `${issue?.path.join('.') || 'the token'} ${issue?.message ?? 'is not valid'}`,
    {
      hint: `run ${command('serve token add --help')} for the options`,
      exitCode: 2,
    },
  )
}

function refuseName(name: string) {
  if (name !== defaultToken) return
  throw new UserError(`the token ${defaultToken} is that of API_TOKEN`, {
    hint: 'change API_TOKEN in .env, then run serve up; or choose another name',
    exitCode: 2,
  })
}

function refuseUnknownTenant(tenant: string, tenants: readonly Tenant[]) {
  if (tenants.some(({ name }) => name === tenant)) return
  throw new UserError(`there is no tenant ${tenant}`, {
    hint: `it must be one of tenants.yaml: ${tenants.map(({ name }) => name).join(', ')}`,
    exitCode: 2,
  })
}
