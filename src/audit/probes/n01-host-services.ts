import { networkInterfaces } from 'node:os'
import { bridgeName } from '../../engine/engine.ts'
import { list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import type { InspectedNetwork } from '../inspections.ts'
import { type Check, check, type Probe } from '../probe.ts'
import type { Scene } from '../scene.ts'

/** An internal network still has the host at its gateway address (measured): the bridge must have none. */
export const hostServices: Probe = {
  id: 'N1',
  title: 'services of this host',
  attack:
    'connect from the agent to every address of this host, and to the usual address of a bridge',
  standards: [standards.networkAccess],
  async run(scene) {
    return [...networkChecks(scene), ...(await dialHost(scene))]
  },
}

async function dialHost(scene: Scene): Promise<Check[]> {
  const host = await scene.host()
  const addresses = [...new Set([...host.addresses, ...gateways(scene), '169.254.169.254'])]
  const before = host.visitors().length
  const answers = await Promise.all(
    addresses.map(async address => ({
      address,
      ...(await scene.agent.dial(address, host.port, { until: host.word, wait: 2_000 })),
    })),
  )
  const reached = answers.filter(
    ({ connected, received }) => connected || received.includes(host.word),
  )
  const visitors = host.visitors().length - before
  return [
    check(
      'the agent cannot reach a service that listens on every address of this host',
      reached.length === 0 && visitors === 0,
      reached.length + visitors === 0
        ? `${addresses.length} addresses dialled, no connection: ${list(addresses)}`
        : `reached at ${list(reached.map(({ address }) => address))}; ${visitors} connections seen by the host`,
    ),
  ]
}

/** Returns the host's gateway addresses on the networks of the stack, and on the engine's own. */
export function gateways({ inspections: { networks, otherNetworks } }: Scene): string[] {
  const bridge = otherNetworks.filter(({ Name }) => Name === 'bridge')
  return [...networks.values(), ...bridge].flatMap(({ IPAM }) =>
    (IPAM.Config ?? []).flatMap(({ Subnet, Gateway }) => [
      ...(Gateway ? [Gateway.split('/')[0] ?? ''] : []),
      ...(Subnet ? [firstAddress(Subnet)] : []),
    ]),
  )
}

function firstAddress(subnet: string) {
  return (subnet.split('/')[0] ?? '').replace(/\d+$/, last => String(Number(last) + 1))
}

/** Returns the networks of the agent and the gateway, regardless of their names. */
export function innerNetworks({
  agents,
  tenants,
  inspections,
  service,
}: Scene): InspectedNetwork[] {
  const also = tenants === null ? ['gateway'] : ['gateway', 'server']
  const names = new Set(
    [...agents, ...also].flatMap(name =>
      inspections.containers.has(name) ? Object.keys(service(name).NetworkSettings.Networks) : [],
    ),
  )
  return [...inspections.networks.values()].filter(({ Name }) => names.has(Name))
}

function networkChecks(scene: Scene): Check[] {
  const inner = innerNetworks(scene)
  const routed = inner.filter(({ Internal }) => !Internal)
  const addressed = inner.filter(network => !withoutHostAddress(network))
  const onHost = inner.flatMap(network =>
    (networkInterfaces()[bridgeName(network)] ?? [])
      .filter(({ family }) => family === 'IPv4')
      .map(({ address }) => `${network.Name}: ${address}`),
  )
  return [
    check(
      'the networks of agent and gateway have no route out',
      inner.length > 0 && routed.length === 0,
      routed.length > 0 ? `not internal: ${namesOf(routed)}` : `internal: ${namesOf(inner)}`,
    ),
    check(
      'these networks are created without an address of the host',
      inner.length > 0 && addressed.length === 0,
      addressed.length > 0
        ? `neither inhibit_ipv4 nor isolated: ${namesOf(addressed)}`
        : `inhibit_ipv4 or isolated: ${namesOf(inner)}`,
    ),
    check(
      'the bridges of these networks have no IPv4 address on this host',
      inner.length > 0 && onHost.length === 0,
      onHost.length > 0 ? list(onHost) : `none on the bridges of ${namesOf(inner)}`,
    ),
  ]
}

function withoutHostAddress({ Options }: InspectedNetwork) {
  return (
    Options?.['com.docker.network.bridge.inhibit_ipv4'] === 'true' ||
    Options?.['com.docker.network.bridge.gateway_mode_ipv4'] === 'isolated'
  )
}

function namesOf(networks: readonly InspectedNetwork[]) {
  return list(networks.map(({ Name }) => Name))
}
