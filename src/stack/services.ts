import type { StackKind } from './identity.ts'

/** A service of compose.yaml or compose.server.yaml; a test compares each with its file. */
export type Service = {
  name: string
  /** Stack kinds that include this service. */
  kinds: readonly StackKind[]
  image: 'claude' | 'gateway' | 'proxy' | 'server'
  networks: readonly string[]
  /** Use of Claude Code in it; null when Claude Code does not run there. */
  agent: 'sessions' | 'runs' | null
  /** Its home volume without the owner's uid, and the variable of compose.yaml with its full name. */
  home: { volume: string; variable: string } | null
  /** Profile of compose.yaml; null when each of these stacks needs it. */
  profile: 'runs' | 'rehearsal' | null
  /** The real credential, or the placeholder that the gateway accepts in its place. */
  credential: 'secret' | 'placeholder' | null
  /** Whether it speaks TLS to the outside and so needs EXTRA_CA_CERTS. */
  needsAuthorities: boolean
}

const agent = {
  kinds: ['folder', 'session'],
  image: 'claude',
  networks: ['claude-internal'],
  credential: 'placeholder',
  needsAuthorities: true,
} as const

export const services = [
  {
    ...agent,
    name: 'claude',
    agent: 'sessions',
    home: { volume: 'home', variable: 'HOME_VOLUME' },
    profile: null,
  },
  {
    ...agent,
    name: 'worker',
    agent: 'runs',
    home: { volume: 'worker-home', variable: 'WORKER_HOME_VOLUME' },
    profile: 'runs',
  },
  {
    name: 'gateway',
    kinds: ['folder', 'session'],
    image: 'gateway',
    networks: ['claude-internal', 'services-internal'],
    agent: null,
    home: null,
    profile: null,
    credential: 'secret',
    needsAuthorities: true,
  },
  {
    name: 'proxy',
    kinds: ['folder', 'session'],
    image: 'proxy',
    networks: ['claude-internal', 'proxy-external', 'services-internal'],
    agent: null,
    home: null,
    profile: null,
    credential: null,
    needsAuthorities: false,
  },
  {
    name: 'rehearsal',
    kinds: ['folder', 'session'],
    image: 'gateway',
    networks: ['services-internal'],
    agent: null,
    home: null,
    profile: 'rehearsal',
    credential: null,
    needsAuthorities: false,
  },
] as const satisfies readonly Service[]

const ofServer = {
  kinds: ['server'],
  agent: null,
  home: null,
  profile: null,
  credential: null,
  needsAuthorities: false,
} as const

/** The services of the server stack, without the networks and workers of its tenants. */
export const serverServices = [
  {
    ...ofServer,
    name: 'ingress',
    image: 'server',
    networks: ['front-internal', 'server-ingress'],
  },
  {
    ...ofServer,
    name: 'server',
    image: 'server',
    networks: ['front-internal', 'server-internal'],
    // For webhooks.
    needsAuthorities: true,
  },
  {
    ...ofServer,
    name: 'gateway',
    image: 'gateway',
    networks: ['services-internal'],
    credential: 'secret',
    needsAuthorities: true,
  },
  {
    ...ofServer,
    name: 'proxy',
    image: 'proxy',
    networks: ['proxy-external', 'server-internal', 'services-internal'],
  },
  {
    ...ofServer,
    name: 'rehearsal',
    image: 'gateway',
    networks: ['services-internal'],
    profile: 'rehearsal',
  },
] as const satisfies readonly Service[]

/** Services in which Claude Code runs. */
export type AgentService = Extract<(typeof services)[number], { agent: string }>['name']

/** The agent services, in order of preference when either can be used. */
export const agentServices: readonly AgentService[] = services.flatMap(service =>
  service.agent === null ? [] : [service.name],
)

export function isAgent(name: string): name is AgentService {
  return agentServices.some(agent => agent === name)
}

/** The service in which Claude Code holds sessions, and the one in which it runs prompts. */
export const serviceOfSessions = 'claude' satisfies AgentService
export const serviceOfRuns = 'worker' satisfies AgentService

type ServiceName = (typeof services)[number]['name']

/** The service that holds the credential, and the one that enforces the allowlist. */
export const serviceOfCredential = 'gateway' satisfies ServiceName
export const serviceOfEgress = 'proxy' satisfies ServiceName

/** Returns the services that every stack of a kind needs, independent of its agents. */
export function supportingServices(kind: StackKind): Service[] {
  return servicesOf(kind).filter(({ agent, profile }) => agent === null && profile === null)
}

export function servicesOf(kind: StackKind): Service[] {
  const all: readonly Service[] = [...services, ...serverServices]
  return all.filter(({ kinds }) => kinds.includes(kind))
}

/** Returns whether a service is one that the user put beside the agent. */
export function isAdded(name: string): boolean {
  const all: readonly Service[] = [...services, ...serverServices]
  return name !== '' && tenantOf(name) === null && all.every(service => service.name !== name)
}

/**
 * Returns whether a container is on all networks of its service. A container that was disconnected by
 * hand, or by an engine that lost a network, stays healthy, and compose does not recreate it.
 */
export function isOnItsNetworks(
  stack: string,
  service: string,
  networks: Record<string, unknown> | undefined,
): boolean {
  const names = Object.keys(networks ?? {}).map(name => name.replace(`${stack}_`, ''))
  return membership(service, names).missing.length === 0
}

/** Compares the networks that a container is on, named as in compose.yaml, with those of its service. */
export function membership(
  service: string,
  networks: readonly string[],
  wanted = folderNetworks(service),
) {
  return {
    missing: wanted.filter(name => !networks.includes(name)),
    foreign: networks.filter(name => !wanted.includes(name)),
  }
}

/** Returns the networks of a service of a folder's stack. The user's own services are on the agent's network alone. */
function folderNetworks(service: string): readonly string[] {
  const known: Service | undefined = services.find(({ name }) => name === service)
  return known?.networks ?? ['claude-internal']
}

/** The service that runs the prompts of a tenant, its network, and its volumes without the owner's uid. */
export function tenantParts(tenant: string) {
  return {
    service: `worker-${tenant}`,
    network: `tenant-${tenant}-internal`,
    home: `worker-${tenant}-home`,
    sockets: `runner-${tenant}`,
  }
}

/** Returns the tenant whose prompts a service of the server stack runs; null for any other service. */
export function tenantOf(service: string): string | null {
  return /^worker-([a-z0-9-]{1,24})$/.exec(service)?.[1] ?? null
}

/** Returns the networks of a service of the server stack with these tenants. */
export function serverNetworks(service: string, tenants: readonly string[]): readonly string[] {
  const tenant = tenantOf(service)
  if (tenant !== null) return [tenantParts(tenant).network]
  const known: Service | undefined = serverServices.find(({ name }) => name === service)
  const ofTenants = tenants.map(name => tenantParts(name).network)
  const meetsTenants = service === serviceOfCredential || service === serviceOfEgress
  return [...(known?.networks ?? []), ...(meetsTenants ? ofTenants : [])]
}
