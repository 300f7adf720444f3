import { connect } from 'node:net'
import { list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, type Probe } from '../probe.ts'
import { parseSockets } from '../proc-files.ts'
import type { Scene } from '../scene.ts'

/** A proxy that serves the local network lends it this host's address and its allowlist. */
export const proxyFromOutside: Probe = {
  id: 'N12',
  title: 'the stack used from outside',
  attack: 'connect to proxy and gateway from this host, the local network and the internet side',
  standards: [standards.neededPorts, standards.mappedPorts],
  async run(scene) {
    const parts = await Promise.all([fromHost(scene), listeners(scene), fromTheOtherSide(scene)])
    return [...published(scene), ...parts.flat()]
  },
}

function published({ inspections, tenants }: Scene): Check[] {
  const wanted = tenants === null ? '' : 'ingress 8080/tcp'
  const open = [...inspections.containers].flatMap(([name, { HostConfig, NetworkSettings }]) => {
    const bound = Object.keys(HostConfig.PortBindings ?? {})
    const live = Object.entries(NetworkSettings.Ports ?? {}).flatMap(([port, to]) =>
      to === null ? [] : [port],
    )
    const all = HostConfig.PublishAllPorts ? ['all'] : []
    return [...new Set([...bound, ...live, ...all])].map(port => `${name} ${port}`)
  })
  return [
    check(
      tenants === null ? 'no port is published' : 'no port but that of the ingress is published',
      // A server without the API publishes none.
      inspections.containers.size > 0 && (open.length === 0 || open.join() === wanted),
      open.length > 0 ? list(open) : `${inspections.containers.size} services`,
    ),
  ]
}

async function fromHost({ inspections }: Scene): Promise<Check[]> {
  const targets = ['proxy', 'gateway'].flatMap(name => {
    const container = inspections.containers.get(name)
    return Object.values(container?.NetworkSettings.Networks ?? {}).flatMap(({ IPAddress }) =>
      IPAddress ? [3128, 8787].map(port => ({ host: IPAddress, port })) : [],
    )
  })
  const answers = await Promise.all(targets.map(({ host, port }) => answerOf(host, port)))
  const open = targets.filter((_, index) => answers[index])
  return [
    check(
      'this host gets no answer from proxy or gateway',
      targets.length > 0 && open.length === 0,
      open.length > 0
        ? list(open.map(({ host, port }) => `${host}:${port}`))
        : `${targets.length} dialled: ${list([...new Set(targets.map(({ host }) => host))])}`,
    ),
  ]
}

const question = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

/** Tells the stack's answer from that of a router on the way, which may accept any connection. */
function isOurs(answer: string): boolean {
  return /squid|claude-secure/i.test(answer)
}

function answerOf(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    let text = ''
    const end = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(isOurs(text))
    }
    const timer = setTimeout(end, 1_500)
    socket.on('connect', () => socket.write(question))
    socket.on('data', chunk => {
      text = (text + chunk.toString('latin1')).slice(0, 8_192)
    })
    socket.on('error', end)
    socket.on('close', end)
  })
}

/** Checks where Squid of the live stack listens, as the kernel reports it. */
async function listeners({ service, inspections, inside }: Scene): Promise<Check[]> {
  const { stdout } = await inside('proxy', ['cat', '/proc/net/tcp'])
  const listening = parseSockets(stdout).filter(({ listening }) => listening)
  const networks = service('proxy').NetworkSettings.Networks
  const inner = new Set(
    [...inspections.networks.values()]
      .filter(({ Internal }) => Internal)
      .map(({ Name }) => networks[Name]?.IPAddress),
  )
  const outside = listening.filter(({ address }) => !inner.has(address))
  return [
    check(
      'the proxy listens on its internal addresses only',
      listening.length > 0 && outside.length === 0,
      list(
        (outside.length > 0 ? outside : listening).map(({ address, port }) => `${address}:${port}`),
      ),
    ),
  ]
}

async function fromTheOtherSide(scene: Scene): Promise<Check[]> {
  const { outsider, addresses, network } = await scene.twin()
  const [own, canary] = await Promise.all([addresses('proxy'), addresses('canary')])
  const agentSide = agentAddress(own, network.agent)
  const asked = await Promise.all(
    own.map(async address => {
      const { received } = await outsider.dial(address, 3128, { send: question, wait: 1_500 })
      return { address, answers: isOurs(received) }
    }),
  )
  // The canary is also on the agent's network, where the proxy has to answer.
  const outer = asked.filter(({ address }) => address !== agentSide)
  const open = outer.filter(({ answers }) => answers)
  const inside = asked.some(({ address, answers }) => address === agentSide && answers)
  return [
    check(
      'the proxy accepts no connection from the internet side',
      inside && outer.length > 1 && open.length === 0,
      open.length > 0
        ? `open: ${list(open.map(({ address }) => `${address}:3128`))}`
        : `from ${list(canary)}: open only at ${agentSide}, as intended`,
    ),
  ]
}

function agentAddress(addresses: readonly string[], subnet: string) {
  // The agent's half of a twin's 16 addresses.
  const start = Number(/\.(\d+)\//.exec(subnet)?.[1])
  const prefix = subnet.replace(/\d+\/.*$/, '')
  return addresses.find(address => {
    const last = Number(address.slice(prefix.length))
    return address.startsWith(prefix) && last >= start && last < start + 8
  })
}
