import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { until } from '../../base/async.ts'
import { command } from '../../base/command.ts'
import { hardened } from '../../engine/throwaway-container.ts'
import { execOk } from '../../process/exec.ts'
import { networkOfAddedServices } from '../../stack/additions/added-service.ts'
import { evidencePath, whenFiltered } from '../../stack/additions/when-filtered.ts'
import { addedNames, approvedServices } from '../added-services.ts'
import { type Attacker, createAttacker } from '../attacker.ts'
import { list, reached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, held, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** A database beside the agent must not be a way out, nor open the stack to others. */
export const besideServices: Probe = {
  id: 'B1',
  title: 'services beside the agent',
  attack: 'leave the stack from the network of each service, and connect to it from elsewhere',
  standards: [standards.connectivity, standards.networkAccess, standards.separation],
  async run(scene) {
    const names = addedNames(scene.inspections.containers)
    if (names.length === 0) return [held('no service runs beside the agent', 'none is approved')]
    const parts = await Promise.all([fromInside(scene, names), fromElsewhere(scene, names)])
    return [...approval(scene, names), ...parts.flat()]
  },
}

function approval({ inspections, service }: Scene, names: readonly string[]): Check[] {
  const unapproved = names.filter(
    name => !approvedServices(service(name)).some(approved => approved.name === name),
  )
  const unheld = names.filter(name => {
    const { Config, Mounts } = service(name)
    const mount = Mounts.find(({ Destination }) => Destination === evidencePath)
    return Config.Entrypoint?.[2] !== whenFiltered || mount?.RW !== false
  })
  const labels = new Map([...inspections.networks].map(([label, { Name }]) => [Name, label]))
  const wide = names.filter(name =>
    Object.keys(service(name).NetworkSettings.Networks).some(
      network => labels.get(network) !== networkOfAddedServices,
    ),
  )
  return [
    check(
      'every service beside the agent is one that you approved',
      unapproved.length === 0,
      list(unapproved.length > 0 ? unapproved : names),
    ),
    check(
      'a service is on the network of the agent and on no other',
      wide.length === 0,
      list(wide.length > 0 ? wide : names),
    ),
    check(
      'the engine restarts a service only while the host drops its datagrams',
      unheld.length === 0,
      unheld.length > 0
        ? `run ${command('stop')} and then ${command('start')}: without the check ${list(unheld)}`
        : list(names),
    ),
  ]
}

/** Attacks from a container that shares the service's network: the image of a service may have no tools. */
async function fromInside(scene: Scene, names: readonly string[]): Promise<Check[]> {
  const twin = await scene.twin()
  const host = await scene.host()
  const inner = innerAddresses(scene)
  const results = await Promise.all(
    names.map(name =>
      withAttacker(scene, name, async attacker => {
        const dials = [
          ...[twin.network.canaryOutside, twin.network.canaryAgent].map(address => ({
            host: address,
            port: 80,
            until: twin.word,
          })),
          ...host.addresses.map(address => ({ host: address, port: host.port, until: host.word })),
        ]
        const [answers, routes, name_, scans, model] = await Promise.all([
          Promise.all(
            dials.map(({ host, port, until }) => attacker.dial(host, port, { until, wait: 2_000 })),
          ),
          attacker.read('/proc/net/route'),
          attacker.resolve(twin.names.unlisted, 'A', 2_000),
          Promise.all(inner.map(address => attacker.scan(address, [3128, 8787, 8788], 1_500))),
          attacker.dial('gateway', 8787, { send: modelRequest, until: '\r\n\r\n', wait: 60_000 }),
        ])
        return {
          name,
          out: answers.some((answer, index) => reached(answer, dials[index]?.until ?? '')),
          route: /^\S+\t00000000\t/m.test(routes.text) || routes.text === '',
          resolved: name_.answers.length > 0,
          inner: scans.some(({ open }) => open.length > 0),
          model: model.received.split('\r\n')[0] ?? '',
        }
      }),
    ),
  )
  const failing = (wrong: (result: (typeof results)[number]) => boolean) =>
    results.filter(wrong).map(({ name }) => name)
  const claim = (text: string, bad: readonly string[], evidence: string) =>
    check(text, bad.length === 0, bad.length > 0 ? list(bad) : evidence)
  return [
    claim(
      'a service has no way out',
      failing(({ out, route }) => out || route),
      `no route and no connection from ${list(names)}`,
    ),
    claim(
      'a service cannot resolve names of the internet',
      failing(({ resolved }) => resolved),
      `tried in ${list(names)}`,
    ),
    claim(
      'a service cannot reach the network of gateway and proxy',
      failing(result => result.inner),
      `${inner.length} addresses tried from ${list(names)}`,
    ),
    claim(
      'the gateway refuses a service, which has no placeholder',
      failing(({ model }) => !/^HTTP\/1\.1 40[13] /.test(model)),
      list(results.map(({ name, model }) => `${name}: ${model}`)),
    ),
  ]
}

const modelRequest =
  'POST /v1/messages HTTP/1.1\r\nHost: gateway\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'

function innerAddresses({ inspections }: Scene): string[] {
  const network = inspections.networks.get('services-internal')
  return Object.values(network?.Containers ?? {}).map(
    ({ IPv4Address }) => IPv4Address.split('/')[0] ?? '',
  )
}

/** Port and lifetime of a listener in the network of a service. */
const listenerPort = 47_113
const listenerMilliseconds = 15_000
const listener = `require('net').createServer(s => s.on('error', () => {}).end(process.argv[1]))
  .listen(${listenerPort}); setTimeout(() => process.exit(), ${listenerMilliseconds})`

/**
 * Looks for the word of a listener in the service's network: some networks accept a connection to any address,
 * and a database answers only its own clients.
 */
async function fromElsewhere(scene: Scene, names: readonly string[]): Promise<Check[]> {
  const twin = await scene.twin()
  const word = `service-${randomBytes(16).toString('hex')}`
  const seen = await Promise.all(
    names.map(name =>
      withAttacker(scene, name, async attacker => {
        const container = scene.service(name)
        const [address = ''] = Object.values(container.NetworkSettings.Networks).map(
          ({ IPAddress }) => IPAddress,
        )
        const approved = approvedServices(container).find(service => service.name === name)
        const ports = approved?.expose ?? []
        attacker
          .run(['/usr/local/bin/node', '-e', listener, word], listenerMilliseconds)
          .catch(() => {})
        const dial = (from: Attacker) => from.dial(address, listenerPort, { until: word })
        const inside = await until(async () => reached(await dial(scene.agent), word), {
          every: 250,
          timeout: 30_000,
        })
        const [scan, others, host] = await Promise.all([
          scene.agent.scan(address, ports, 10_000),
          Promise.all([twin.attacker, twin.outsider].map(dial)),
          answerOf(address),
        ])
        return {
          name: `${name}:${ports.join(',')}`,
          works: inside === true && ports.length > 0 && scan.open.length === ports.length,
          others: others.some(answer => reached(answer, word)),
          host: host.includes(word),
        }
      }),
    ),
  )
  const claim = (text: string, wrong: (result: (typeof seen)[number]) => boolean) => {
    const failing = seen.filter(wrong)
    const shown = failing.length > 0 ? failing : seen
    return check(text, failing.length === 0, list(shown.map(({ name }) => name)))
  }
  return [
    claim('the agent reaches the approved ports of each service', ({ works }) => !works),
    claim('other stacks cannot reach a service', result => result.others),
    claim('this host gets no answer from a service', ({ host }) => host),
  ]
}

function answerOf(host: string): Promise<string> {
  return new Promise(resolve => {
    let received = ''
    const socket = connect({ host, port: listenerPort })
    socket.setTimeout(2_000, () => socket.destroy())
    socket
      .on('error', () => {})
      .on('data', chunk => {
        received = `${received}${chunk}`.slice(0, 200)
      })
    socket.once('close', () => resolve(received))
  })
}

/** Runs a container with the agent's tools in the network of a service, and always removes it. */
async function withAttacker<T>(
  scene: Scene,
  name: string,
  body: (attacker: Attacker) => Promise<T>,
): Promise<T> {
  const { docker, root, signal, service, agents } = scene
  const container = `claude-secure-audit-${randomBytes(6).toString('hex')}`
  const options = [
    ...[...hardened, '--init', '--user', '65534:65534'],
    ...['--network', `container:${service(name).Id}`],
  ]
  const image = service(agents[0] ?? '').Image
  const call = { env: docker.env, signal, timeout: 60_000 }
  const attacker = createAttacker({ docker, container, root, signal })
  try {
    const run = ['run', '--detach', '--name', container, ...options]
    await execOk(docker.file, [...run, '--entrypoint', 'sleep', image, '120'], call)
    return await body(attacker)
  } finally {
    await attacker.close()
    await execOk(docker.file, ['rm', '--force', container], { env: docker.env }).catch(() => null)
  }
}
