import type { ServerMode } from '../../config/server-modes.ts'
import type { ServerGrant } from '../../egress/server-grants.ts'
import { activities } from '../../stack/activity.ts'
import { isHeldBack, isUp, type ServiceState } from '../../stack/inspect.ts'
import { readModesInForce } from '../../stack/server/modes-in-force.ts'
import { readPublishedPort } from '../../stack/server/published-port.ts'
import { serverFolder } from '../../stack/server/server-folder.ts'
import { tenantOf } from '../../stack/services.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import type { EngineContext } from '../context.ts'
import { listGrants } from './edit-server-grants.ts'
import { findServer, serverIdentity } from './server-context.ts'
import { readTokens } from './stored-tokens.ts'

/** State of a server, for `serve status`. `version` is that of the form of this object. */
export type ServerStatus = {
  version: 1
  stack: string
  running: boolean
  /** Where it listens on this host; null when it is down. */
  url: string | null
  /** Empty when it is down. */
  modes: ServerMode[]
  tenants: string[]
  services: Pick<ServiceState, 'name' | 'state' | 'health' | 'status'>[]
  /** Workers that wait until the host's filter is on again: `serve up` turns it on. */
  heldBack: string[]
  credentials: string | null
  /** Runs in progress, of all tenants. */
  runs: number
  /** Names of the tokens in force. */
  tokens: { name: string; tenant: string }[]
  /** Names that are open to a tenant for a time; null when the file of the grants cannot be read. */
  grants: ServerGrant[] | null
}

export async function serverStatus(context: EngineContext, name?: string): Promise<ServerStatus> {
  const { engine } = context
  const identity = serverIdentity(name)
  const state = await findServer(context, identity)
  const tokens = await readTokens(serverFolder(stateFolder(identity.name)))
  const services = state?.services ?? []
  const ingress = services.find(service => service.name === 'ingress')
  const server = services.find(service => service.name === 'server')
  const published = ingress ? await readPublishedPort(engine, ingress.container) : null
  const work = state ? await activities(engine, [state]) : null
  return {
    version: 1,
    stack: identity.name,
    running: state !== null && isUp(state),
    url: published && `http://${published.address}:${published.port}`,
    modes: server ? await readModesInForce(engine, server.container) : [],
    tenants: services.flatMap(service => tenantOf(service.name) ?? []),
    services: services.map(({ name, state, health, status }) => ({ name, state, health, status })),
    heldBack: services.filter(isHeldBack).map(({ name }) => name),
    credentials: state?.credentials ?? null,
    runs: work?.get(identity.name)?.runs ?? 0,
    tokens: tokens.map(({ name, tenant }) => ({ name, tenant })),
    // A damaged file must not hide the rest of the state.
    grants: await listGrants(name).catch(() => null),
  }
}
