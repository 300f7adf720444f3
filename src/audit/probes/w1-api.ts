import { list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { addressesOf, mustAnswer, reachable, type Target } from '../packet-path.ts'
import { type Check, check, orUnknown, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

const apiPort = 8080
/** A port on which no worker listens: its kernel refuses the connection, which shows the path to it. */
const unusedPort = 9_555

/** An agent that reaches the API attacks its parser; one that reaches another worker attacks a tenant. */
export const apiFromWorkers: Probe = {
  id: 'W1',
  title: 'the API, and another tenant, from a worker',
  attack: 'connect from each worker to server, ingress, the published port and each other worker',
  standards: [standards.connectivity, standards.separation],
  async run(scene) {
    const checks = scene.agents.map(worker =>
      Promise.all([
        orUnknown(`${worker} has no packet path to the API`, () => noApi(scene, worker)),
        orUnknown(`${worker} reaches no other worker`, () => noWorker(scene, worker)),
      ]),
    )
    return (await Promise.all(checks)).flat()
  },
}

async function noApi(scene: Scene, worker: string): Promise<Check> {
  const { addresses } = await scene.host()
  const inner = ['server', 'ingress'].flatMap(name => addressesOf(scene.service(name)))
  const names = ['server', 'server-side', 'ingress', 'egress']
  const targets: Target[] = [
    ...[...inner, ...names].map(host => ({ host, port: apiPort })),
    ...publishedPorts(scene).flatMap(port => addresses.map(host => ({ host, port }))),
  ]
  return none(`${worker} has no packet path to the API`, scene, worker, targets)
}

async function noWorker(scene: Scene, worker: string): Promise<Check> {
  const targets = scene.agents
    .filter(name => name !== worker)
    .flatMap(name => addressesOf(scene.service(name)))
    .map(host => ({ host, port: unusedPort }))
  return none(`${worker} reaches no other worker`, scene, worker, targets)
}

async function none(claim: string, scene: Scene, worker: string, targets: readonly Target[]) {
  const attacker = scene.attackerIn(worker)
  await mustAnswer(attacker, { host: 'gateway', port: 8787 })
  const found = await reachable(attacker, targets)
  const evidence =
    found.length > 0 ? `path to ${list(found)}` : `${targets.length} addresses dialled`
  return check(claim, found.length === 0, evidence)
}

/** Returns the ports of this host at which the ingress is published. */
export function publishedPorts({ service }: Pick<Scene, 'service'>): number[] {
  const bindings = Object.values(service('ingress').HostConfig.PortBindings ?? {})
  return bindings
    .flatMap(list => (Array.isArray(list) ? list : []))
    .map(({ HostPort }) => Number(HostPort))
    .filter(port => port > 0)
}
