import { approvedServices } from '../added-services.ts'
import { list, reached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import type { InspectedContainer } from '../inspections.ts'
import { memberChecks } from '../network-members.ts'
import { type Check, check, type Probe } from '../probe.ts'
import { parseSockets } from '../proc-files.ts'
import type { Scene } from '../scene.ts'

/** The ports that the agent may reach in its network, without those of approved services. */
const expected: Record<string, readonly number[]> = { proxy: [3128], gateway: [8787] }

/** Returns the ports that a service may open to the agent. */
function portsOf({ inspections }: Scene, name: string): readonly number[] {
  const container = inspections.containers.get(name)
  const approved = container ? approvedServices(container) : []
  return expected[name] ?? approved.find(service => service.name === name)?.expose ?? []
}

/** Ports that the agent must not reach at all. */
const inner: Record<string, readonly number[]> = {
  rehearsal: [8788],
  server: [8080],
  ingress: [8080],
}

const commonPorts = [
  21, 22, 23, 25, 53, 80, 111, 443, 2375, 2376, 3000, 3128, 3129, 3306, 4827, 5000, 5432, 6379,
  8000, 8080, 8443, 8787, 8788, 9090, 9200, 9229, 27017,
]

export const neighbours: Probe = {
  id: 'N11',
  busy: true,
  title: 'neighbours, relays and other stacks',
  attack: 'scan the network of the agent, and use the services found there as relays',
  standards: [standards.connectivity, standards.defaultBridge, standards.separation],
  async run(scene) {
    const parts = await Promise.all([
      scan(scene),
      listeners(scene),
      otherContainers(scene),
      throughGateway(scene),
      forwarding(scene),
    ])
    return [...parts.flat(), ...memberChecks(scene)]
  },
}

async function scan(scene: Scene): Promise<Check[]> {
  const { agent, agents, inspections, service } = scene
  const [self = 'claude'] = agents
  const own = networksOf(service(self))
  const peers = [...inspections.containers]
    // Runs and sessions may open ports to each other: they share the same folder.
    .filter(([name]) => !agents.includes(name))
    .flatMap(([name, container]) =>
      networksOf(container).flatMap(({ id, address }) =>
        own.some(network => network.id === id) ? [{ name, address }] : [],
      ),
    )
  const siblings = agents.flatMap(name => networksOf(service(name)))
  const known = new Set([...peers, ...siblings].map(({ address }) => address))
  const others = own.flatMap(({ address }) => nearby(address)).filter(other => !known.has(other))
  const ports = [
    ...new Set([...commonPorts, ...range(1, 1024), ...range(3000, 3400), ...range(8000, 9000)]),
  ]
  const [open, strangers] = await Promise.all([
    Promise.all(
      peers.map(async ({ name, address }) => {
        const found = await agent.scan(address, [...ports, ...portsOf(scene, name)], 1_000)
        // Expected ports get a longer timeout, for a busy machine.
        const wanted = portsOf(scene, name).filter(port => !found.open.includes(port))
        const late = await agent.scan(address, wanted, 10_000)
        return { name, open: [...new Set([...found.open, ...late.open])] }
      }),
    ),
    Promise.all(
      others.map(async address => (await agent.scan(address, commonPorts, 400)).open.length > 0),
    ),
  ])
  const found = open.flatMap(({ name, open }) => open.map(port => `${name}:${port}`)).sort()
  const wanted = peers
    .flatMap(({ name }) => portsOf(scene, name).map(port => `${name}:${port}`))
    .sort()
  const hidden = others.filter((_, index) => strangers[index])
  return [
    check(
      'of its neighbours the agent reaches only the ports of proxy and gateway',
      found.length > 0 && found.join() === wanted.join(),
      `open: ${list(found) || 'none'}`,
    ),
    check(
      'no other address answers in the network of the agent',
      hidden.length === 0,
      hidden.length > 0
        ? list(hidden)
        : `${others.length} addresses on ${commonPorts.length} ports each`,
    ),
  ]
}

function range(first: number, last: number) {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}

/** Checks all open ports, as the kernel in each service reports them. */
async function listeners(scene: Scene): Promise<Check[]> {
  const { agents, inspections, inside } = scene
  const services = [...inspections.containers.keys()].filter(name => !agents.includes(name))
  const tables = await Promise.all(
    services.map(async name => {
      const files = ['/proc/net/tcp', '/proc/net/tcp6']
      const { stdout } = await inside(name, ['cat', ...files])
      const listening = parseSockets(stdout).filter(({ listening }) => listening)
      return [...new Set(listening.map(({ port }) => `${name}:${port}`))]
    }),
  )
  const found = tables.flat()
  const wanted = services.flatMap(name =>
    [...(inner[name] ?? portsOf(scene, name))].map(port => `${name}:${port}`),
  )
  return [
    check(
      'no service listens on a port other than its own',
      services.length > 0 && found.sort().join() === wanted.sort().join(),
      `listening: ${list(found) || 'none'}`,
    ),
  ]
}

function networksOf({ NetworkSettings }: InspectedContainer) {
  return Object.values(NetworkSettings.Networks).map(({ NetworkID, IPAddress }) => ({
    id: NetworkID,
    address: IPAddress,
  }))
}

/** Returns the first addresses of a network, where Docker puts its containers. */
function nearby(address: string) {
  const base = address.replace(/\d+$/, '')
  return Array.from({ length: 16 }, (_, index) => `${base}${index + 1}`)
}

/** Tries containers of other projects, and one that is known to listen: the twin's canary. */
async function otherContainers(scene: Scene): Promise<Check[]> {
  const { agent, inspections } = scene
  const twin = await scene.twin()
  const ports = [80, 443, 2375, 3128, 5432, 6379, 8787]
  const addresses = inspections.otherNetworks.flatMap(({ Containers }) =>
    Object.values(Containers ?? {}).map(({ IPv4Address }) => IPv4Address.split('/')[0] ?? ''),
  )
  const targets = [...new Set(addresses)].filter(address => address).slice(0, 64)
  const [answers, canary, forwarded] = await Promise.all([
    Promise.all(targets.map(address => agent.scan(address, ports, 1_000))),
    Promise.all([twin.network.canaryOutside, twin.network.canaryAgent].map(host => dial(host))),
    twin.outsider.dial('127.0.0.1', 80, { until: twin.word }),
  ])
  const found = targets.filter((_, index) => (answers[index]?.open.length ?? 0) > 0)
  return [
    check(
      'the agent cannot reach containers of other projects',
      found.length === 0,
      found.length > 0 ? list(found) : `${targets.length} addresses on ${ports.length} ports each`,
    ),
    check(
      'the agent cannot reach the canary, which answers every client',
      reached(forwarded, twin.word) && !canary.some(answer => reached(answer, twin.word)),
      `${twin.network.canaryOutside}: ${canary[0]?.error ?? 'connected'}`,
    ),
  ]

  function dial(host: string) {
    return agent.dial(host, 80, { until: twin.word, wait: 2_000 })
  }
}

/** A gateway that forwards would be a proxy without an allowlist. */
async function throughGateway(scene: Scene): Promise<Check[]> {
  if (!scene.inspections.containers.has('gateway')) return []
  const { attacker, network, word } = await scene.twin()
  const target = network.canaryOutside
  const requests = [
    `GET http://${target}/ HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\n\r\n`,
    `POST http://${target}:8080/v1/messages HTTP/1.1\r\nHost: ${target}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}`,
    `CONNECT ${target}:80 HTTP/1.1\r\nHost: ${target}:80\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: ${target}\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\r\n`,
  ]
  const answers = await Promise.all(
    requests.map(request =>
      attacker.tunnel(request, 'plain', { host: 'gateway', port: 8787, until: word, wait: 20_000 }),
    ),
  )
  return [
    check(
      'the gateway does not work as a proxy',
      answers.some(({ received }) => received !== '') &&
        !answers.some(answer => reached(answer, word)),
      `${answers.length} requests for ${target}: ${list([...new Set(answers.map(({ received, error }) => received.split('\r\n')[0] || error || 'connection closed'))])}`,
    ),
  ]
}

async function forwarding({ inspections, inside }: Scene): Promise<Check[]> {
  const services = [...inspections.containers]
  const live = await Promise.all(
    services.map(async ([name]) => {
      const { stdout } = await inside(name, ['cat', '/proc/sys/net/ipv4/ip_forward'])
      return stdout.trim() === '0'
    }),
  )
  const routers = services.filter((_, index) => !live[index]).map(([name]) => name)
  const unset = services
    .filter(([, { HostConfig }]) => HostConfig.Sysctls?.['net.ipv4.ip_forward'] !== '0')
    .map(([name]) => name)
  const all = list(services.map(([name]) => name))
  return [
    check(
      'no service forwards packets between its networks',
      services.length > 0 && routers.length === 0,
      routers.length > 0 ? `ip_forward is on in ${list(routers)}` : `ip_forward is 0 in ${all}`,
    ),
    check(
      'every service is started with forwarding turned off',
      unset.length === 0,
      unset.length > 0 ? `sysctl not set in: ${list(unset)}` : all,
    ),
  ]
}
