import { userInfo } from 'node:os'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Settings } from '../../config/settings.ts'
import {
  activeGrants,
  changeAll,
  grantEnd,
  isGrantable,
  longestServerGrant,
  type ServerGrant,
  type ServerGrantChange,
  serverGrantLimit,
  withGrant,
  withoutGrant,
} from '../../egress/server-grants.ts'
import { editServerGrants, readServerGrants } from '../../egress/server-grants-file.ts'
import { type StackState, serviceOf } from '../../stack/inspect.ts'
import { makeGrantsFolder, serverFolder } from '../../stack/server/server-folder.ts'
import { serverGrantsOutcome } from '../../stack/server/server-grants-outcome.ts'
import { serviceOfEgress, tenantOf } from '../../stack/services.ts'
import { withLock } from '../../stack/state/lock.ts'
import { claimState } from '../../stack/state/owner.ts'
import { makeStateFolder, stateFolder } from '../../stack/state/state-folder.ts'
import type { EngineContext } from '../context.ts'
import { policyDigest, readAllowlist } from '../policy/squid-conf.ts'
import { findServer, serverIdentity } from './server-context.ts'
import { readTenants } from './tenants-file.ts'

type GrantContext = EngineContext & { settings: Pick<Settings, 'CUSTOM_DIR'> }

export type ServerGrantEdit = {
  names: readonly string[]
  /** The tenant for which the names open or close; every tenant without one. */
  tenant?: string
  /** Name of the server. */
  server?: string
}

export type ServerGrantResult = {
  changes: ServerGrantChange[]
  /** Whether the proxy enforces it: `silent` when it did not confirm in time, `down` without a running server. */
  state: 'enforced' | 'silent' | 'down'
}

/** Milliseconds for the proxy to report the result of an edit. It takes a change every 2 s at most. */
const patience = 15_000

/** Opens names below the ceiling `grantable_sites` to tenants, for a time. */
export async function grantNames(
  context: GrantContext,
  options: ServerGrantEdit & { seconds: number; by?: string },
): Promise<ServerGrantResult> {
  const { names, seconds, by = hostUser() } = options
  if (seconds > longestServerGrant) {
    throw new UserError('a grant lasts at most 7 days', {
      hint: 'shorten --for, such as --for 2h',
      exitCode: 2,
    })
  }
  const { grantable } = readAllowlist(context.root)
  const now = new Date()
  for (const name of names) {
    if (isGrantable(name, grantable, now)) continue
    throw new UserError(`${terminalLine(name, 100)} is not below grantable_sites`, {
      hint: `run ${command(`allow --grantable ${terminalLine(name, 100)}`)} first: that list is the ceiling of every grant`,
    })
  }
  const until = grantEnd(seconds, now)
  return editGrants(context, options, (grants, name, tenants) =>
    withGrant(grants, { name, until, by }, tenants, now),
  )
}

/** Ends the grants of names. */
export async function endGrants(
  context: GrantContext,
  options: ServerGrantEdit,
): Promise<ServerGrantResult> {
  return editGrants(context, options, (grants, name, tenants) =>
    withoutGrant(grants, name, tenants, new Date()),
  )
}

/** Returns the grants of a server that have not expired. */
export async function listGrants(server?: string): Promise<ServerGrant[]> {
  const folder = serverFolder(stateFolder(serverIdentity(server).name))
  return activeGrants(await readServerGrants(folder.grants), new Date())
}

type Change = (
  grants: readonly ServerGrant[],
  name: string,
  tenants: readonly string[],
) => { grants: ServerGrant[]; changes: ServerGrantChange[] }

async function editGrants(
  context: GrantContext,
  { names, tenant, server }: ServerGrantEdit,
  change: Change,
): Promise<ServerGrantResult> {
  const { engine, log, signal } = context
  const identity = serverIdentity(server)
  const state = stateFolder(identity.name)
  const folder = serverFolder(state)
  return withLock(`grants-${identity.name}`, { log, signal }, async () => {
    const running = await findServer(context, identity)
    const tenants = chooseTenants(tenant, await presentTenants(context, running))
    await makeStateFolder(state)
    await claimState(identity, state, running)
    await makeGrantsFolder(folder)
    let changes: ServerGrantChange[] = []
    const since = new Date()
    const text = await editServerGrants(folder.grants, before => {
      const edited = changeAll(before, names, (grants, name) => change(grants, name, tenants))
      changes = edited.changes
      if (edited.grants.length > serverGrantLimit) {
        throw new UserError(`${edited.grants.length} grants are more than ${serverGrantLimit}`, {
          hint: `end some with ${command('serve deny NAME')}, or grant to one tenant`,
        })
      }
      return edited.grants
    })
    const proxy = running && serviceOf(running, serviceOfEgress)
    if (proxy?.state !== 'running') return { changes, state: 'down' }
    const digest = policyDigest(text)
    const outcome = await serverGrantsOutcome(engine, proxy.container, { digest, since, patience })
    if (outcome === 'loaded') return { changes, state: 'enforced' }
    if (outcome === 'silent') return { changes, state: 'silent' }
    throw new UserError(`the proxy refused the grants: ${terminalLine(outcome.refused, 300)}`, {
      hint: `run ${command('serve logs proxy')}; no grant is in force`,
    })
  })
}

/** Returns the tenants that have a network now; of a server that is down, those that it will have. */
async function presentTenants({ settings }: GrantContext, running: StackState | null) {
  if (running) return running.services.flatMap(({ name }) => tenantOf(name) ?? [])
  return (await readTenants(settings)).map(({ name }) => name)
}

/** Returns the tenant that is named, or all. Refuses one without a network: the proxy would leave out its grant. */
export function chooseTenants(wanted: string | undefined, present: readonly string[]): string[] {
  if (wanted === undefined) return [...present]
  if (present.includes(wanted)) return [wanted]
  throw new UserError(`the server has no tenant ${terminalLine(wanted, 60)}`, {
    hint: `it has ${present.join(', ')}; run ${command('serve up')} after a change of tenants.yaml`,
    exitCode: 2,
  })
}

/** Returns who runs this command, for the proxy's log. */
function hostUser(): string {
  let name = ''
  try {
    name = userInfo().username
  } catch {
    // A uid without an entry in passwd.
  }
  return `host:${(name || `uid-${process.getuid?.() ?? 0}`).replace(/[^A-Za-z0-9._@+-]/g, '_').slice(0, 60)}`
}
