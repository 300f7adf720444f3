import { setTimeout as sleep } from 'node:timers/promises'
import { list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { addressesOf, mustAnswer, reachable, type Target } from '../packet-path.ts'
import { type Check, check, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** What a taken-over server or ingress could use as a way out, or into another part. */
export const outwardFromServer: Probe = {
  id: 'W5',
  title: 'a way out of the server and the ingress',
  attack: 'connect from server and ingress to this host, the internet side, workers and gateway',
  standards: [standards.networkAccess, standards.connectivity],
  async run(scene) {
    const claims = {
      server: 'the server reaches no worker, no gateway, no host and no internet',
      ingress: 'the ingress reaches the server, and neither a worker, nor the gateway or the proxy',
      route: 'the ingress has no way out to the internet',
    }
    return Promise.all([
      orUnknown(claims.server, () => fromServer(scene, claims.server)),
      orUnknown(claims.ingress, () => fromIngress(scene, claims.ingress)),
      orUnknown(claims.route, () => withoutMasquerade(scene, claims.route)),
    ])
  },
}

const lookMilliseconds = 250

/** Returns the ports of workers and gateway, on every network that they are on. */
function innerTargets(scene: Scene): Target[] {
  return [...scene.agents, 'gateway']
    .flatMap(name => addressesOf(scene.service(name)))
    .flatMap(host => [8_787, 22].map(port => ({ host, port })))
}

async function fromServer(scene: Scene, claim: string): Promise<Check> {
  const [host, twin] = await Promise.all([scene.host(), scene.twin()])
  const before = host.visitors().length
  const attacker = scene.attackerIn('server')
  await mustAnswer(attacker, { host: 'egress', port: 3_128 })
  const targets = [
    ...innerTargets(scene),
    ...host.addresses.map(address => ({ host: address, port: host.port })),
    { host: twin.network.canaryOutside, port: 443 },
  ]
  const found = await reachable(attacker, targets)
  const visits = host.visitors().length - before
  return check(
    claim,
    found.length === 0,
    found.length > 0
      ? `path to ${list(found)}`
      : `${targets.length} addresses, ${visits} visits seen by the host`,
  )
}

async function fromIngress(scene: Scene, claim: string): Promise<Check> {
  const attacker = scene.attackerIn('ingress')
  await mustAnswer(attacker, { host: 'server', port: 8_080 })
  // Squid does not listen on the network of its way out.
  const proxy = addressesOf(scene.service('proxy'), /-internal$/)
  const twin = await scene.twin()
  const targets = [
    ...innerTargets(scene),
    ...proxy.map(host => ({ host, port: 3_128 })),
    { host: twin.network.canaryOutside, port: 443 },
  ]
  const found = await reachable(attacker, targets)
  if (found.length === 0) return check(claim, true, `${targets.length} addresses dialled`)
  const lasting = await stillReachable(attacker, targets, found)
  if (lasting.length > 0) return check(claim, false, `path to ${list(lasting)}`)
  return {
    claim,
    verdict: 'weak',
    evidence: `path to ${list(found)} for a moment, while the engine changed its networks`,
  }
}

/**
 * Returns the paths that are there at every further look. The ingress has a route to this host, whose bridges only the
 * engine's rules keep apart; the engine takes these away for a moment whenever it makes or removes a network.
 */
async function stillReachable(
  attacker: Parameters<typeof reachable>[0],
  targets: readonly Target[],
  found: readonly string[],
): Promise<string[]> {
  let lasting = [...found]
  for (let looks = 0; looks < 3 && lasting.length > 0; looks++) {
    await sleep(lookMilliseconds)
    const now = await reachable(attacker, targets)
    lasting = lasting.filter(target => now.includes(target))
  }
  return lasting
}

/** Without masquerade, no answer of the internet finds its way back. Asks the engine: nothing is sent out. */
async function withoutMasquerade({ inspections }: Scene, claim: string): Promise<Check> {
  const network = inspections.networks.get('server-ingress')
  const value = network?.Options?.['com.docker.network.bridge.enable_ip_masquerade']
  return check(
    claim,
    value === 'false',
    `enable_ip_masquerade of server-ingress is ${value ?? 'not set'}`,
  )
}
