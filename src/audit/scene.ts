import { setMaxListeners } from 'node:events'
import type { Settings } from '../config/settings.ts'
import { parentFolder } from '../egress/parent-conf.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import type { MachineVersions } from '../engine/find-engine.ts'
import { exec } from '../process/exec.ts'
import type { GitAccessFile } from '../stack/credential.ts'
import type { StackState } from '../stack/inspect.ts'
import {
  agentServices,
  serviceOfCredential,
  serviceOfEgress,
  serviceOfSessions,
  tenantOf,
  tenantParts,
} from '../stack/services.ts'
import { readCredential } from '../stack/state/credential-file.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { type Attacker, createAttacker } from './attacker.ts'
import { type HostCanary, openHostCanary } from './host-canary.ts'
import { type InspectedContainer, type Inspections, inspectProject } from './inspections.ts'
import { type LiveFacts, liveFactsScript, parseLiveFacts } from './live-facts.ts'
import { createTwin, type Twin } from './twin.ts'

type SceneCredential = {
  secret: string
  placeholder: string
  /** Of a server: the placeholder of each tenant. */
  callers?: readonly { tenant: string; placeholder: string }[] | undefined
  /** The repositories that the gateway reaches, and the tokens for them, to search for too. */
  git?: GitAccessFile | undefined
}

/** The targets and the information that probes use. Lives for one audit. */
export type Scene = {
  stack: StackState
  /** The checkout. */
  root: string
  settings: Settings
  versions: MachineVersions
  /** For containers of an attack's own; never to change the stack. */
  docker: DockerClient
  signal: AbortSignal
  /** For queries that `inspections` does not answer; never for changes. */
  engine: Engine
  inspections: Inspections
  /** The running services with Claude Code: `claude`, `worker`, `worker-TENANT`. Attacks start from the first. */
  agents: readonly string[]
  /** The tenants of a server, in the order of `agents`; null for the stack of a folder. */
  tenants: readonly string[] | null
  /** An attacker in the container of the first agent. */
  agent: Attacker
  /** Returns an attacker in the container of a service that has Node.js. */
  attackerIn: (service: string) => Attacker
  /** Returns the container of a service; throws when the stack has none. */
  service: (name: string) => InspectedContainer
  /** Runs a program in a container of the stack, as its own user; for inspection, not for attacks. */
  inside: (service: string, command: readonly string[]) => Promise<{ code: number; stdout: string }>
  /** Does so as another user, with options of `docker exec`. */
  insideAs: (
    user: string,
    options: readonly string[],
    service: string,
    command: readonly string[],
  ) => Promise<{ code: number; stdout: string }>
  /** Returns the kernel's facts per service; null for a service in which no program can run. */
  liveFacts: () => Promise<Map<string, LiveFacts | null>>
  /** Returns the text of the policy that the live proxy enforces now. */
  policy: () => Promise<string>
  /** Returns the proxy's way to the parent proxy, with its password; null without a parent. */
  parentConf: () => Promise<string | null>
  /** Returns a listener on this host; opened on first use. */
  host: () => Promise<HostCanary>
  /** Returns a second proxy and gateway of the stack, surrounded by canaries; started on first use. */
  twin: () => Promise<Twin>
  /** The real credential, to search for, and the agent's placeholder. Never part of any evidence. */
  credential: SceneCredential | null
  close: () => Promise<void>
}

export type SceneOptions = {
  stack: StackState
  root: string
  settings: Settings
  docker: DockerClient
  engine: Engine
  engineMajor: number
  versions: MachineVersions
  signal: AbortSignal
  /** Overrides of the running stack: to try a policy or a gateway before the stack gets it. */
  instead?: { policy?: string; parentConf?: string; gatewayImage?: string; noTwin?: boolean }
}

export async function openScene(options: SceneOptions): Promise<Scene> {
  const { stack, root, docker, engine, signal, instead = {} } = options
  // Each program of a probe listens to this signal, and many run at once.
  setMaxListeners(0, signal)
  const inspections = await inspectProject(engine, stack.stack)
  const state = stateFolder(stack.stack)
  const tenants =
    stack.identity?.kind === 'server'
      ? [...inspections.containers.keys()].sort().flatMap(name => tenantOf(name) ?? [])
      : null
  const agents =
    tenants?.map(tenant => tenantParts(tenant).service) ??
    agentServices.filter(name => inspections.containers.has(name))
  const service = (name: string) => {
    const container = inspections.containers.get(name)
    if (!container) throw new Error(`the stack has no service ${name}`)
    return container
  }
  const execute = (options: readonly string[], name: string, command: readonly string[]) =>
    exec(docker.file, ['exec', '--workdir', '/', ...options, service(name).Id, ...command], {
      cwd: '/',
      env: docker.env,
      timeout: 60_000,
      signal,
    })
  const inside = async (name: string, command: readonly string[]) => execute([], name, command)
  const insideAs: Scene['insideAs'] = async (user, options, name, command) =>
    execute(['--user', user, ...options], name, command)
  const policy = once(async () => {
    if (instead.policy !== undefined) return instead.policy
    // A foreign proxy has its policy at Squid's default path.
    for (const path of ['/run/squid/policy.conf', '/etc/squid/squid.conf']) {
      const { code, stdout } = await inside(serviceOfEgress, ['cat', path])
      if (code === 0) return stdout
    }
    throw new Error('cannot read the policy in force from the proxy')
  })
  const parentConf = once(async () => {
    if (instead.parentConf !== undefined) return instead.parentConf
    if (stack.parent === null) return null
    const file = `${parentFolder}/parent.conf`
    const { code, stdout } = await inside(serviceOfEgress, ['cat', file])
    if (code === 0) return stdout
    throw new Error('cannot read the way to the parent proxy')
  })
  const liveFacts = once(async () => {
    const facts = [...inspections.containers.keys()].map(
      async (name): Promise<[string, LiveFacts | null]> => {
        const { stdout } = await inside(name, ['sh', '-c', liveFactsScript])
        return [name, parseLiveFacts(stdout)]
      },
    )
    return new Map(await Promise.all(facts))
  })
  const host = once(openHostCanary)
  const twin = once(async () => {
    if (instead.noTwin) throw new Error('this audit has no twin')
    const claude = service(agents[0] ?? serviceOfSessions)
    const gateway = inspections.containers.get(serviceOfCredential)
    return createTwin({
      ...options,
      folder: state.path,
      policy: await policy(),
      parentConf: await parentConf(),
      images: {
        claude: claude.Image,
        proxy: service(serviceOfEgress).Image,
        gateway: instead.gatewayImage ?? gateway?.Image ?? '',
      },
      agentUser: claude.Config.User,
      gatewayUser: parseUser(gateway?.Config.User ?? ''),
      agentDirect: variable(service(serviceOfEgress), 'AGENT_DIRECT') ?? '',
    })
  })
  const attackers = new Map<string, Attacker>()
  const attackerIn = (name: string) => {
    const container = inspections.containers.get(name)?.Id ?? ''
    const attacker = attackers.get(name) ?? createAttacker({ docker, root, signal, container })
    attackers.set(name, attacker)
    return attacker
  }
  return {
    stack,
    root,
    settings: options.settings,
    versions: options.versions,
    docker,
    signal,
    engine,
    inspections,
    agents,
    tenants,
    agent: attackerIn(agents[0] ?? ''),
    attackerIn,
    service,
    inside,
    insideAs,
    liveFacts,
    policy,
    parentConf,
    host,
    twin,
    credential: await readCredential(state),
    async close() {
      await Promise.allSettled([
        ...[...attackers.values()].map(attacker => attacker.close()),
        host.started()?.then(canary => canary.close()),
        twin.started()?.then(running => running.close()),
      ])
    },
  }
}

/** Returns the value of a variable in a container's configuration. */
export function variable(container: InspectedContainer, name: string): string | undefined {
  const found = container.Config.Env?.find(pair => pair.startsWith(`${name}=`))
  return found?.slice(name.length + 1)
}

function parseUser(user: string) {
  const [uid = 0, gid = uid] = user.split(':').map(Number)
  return { uid, gid }
}

/** Runs `make` at the first call and returns its result to every caller. */
function once<T>(make: () => Promise<T>) {
  let result: Promise<T> | undefined
  const get = () => {
    result ??= make()
    return result
  }
  return Object.assign(get, { started: () => result })
}
