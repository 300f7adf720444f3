import type { Log } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Settings } from '../../config/settings.ts'
import type { Engine } from '../../engine/engine.ts'
import { type HostNetwork, readHostNetwork } from '../../machine/host-network.ts'
import { composeLabels } from '../../stack/labels.ts'
import {
  chooseSubnets,
  collisions,
  refuseCollision,
  type StackSubnets,
  stackNetworks,
  type TakenSubnet,
} from '../../stack/subnets.ts'

/** Options of a stack's networks that compose.yaml does not state. */
export type StackNetworkOptions = {
  /** From SUBNET_POOL; the engine chooses without it. */
  subnets?: StackSubnets
  /** The host's way out has smaller packets than Docker's default of 1500 bytes. */
  mtu?: number
}

const usualMtu = 1_500

/** Chooses subnets and packet size for a stack. Throws for a range that something else uses. */
export async function stackNetwork(
  engine: Engine,
  stack: string,
  settings: Pick<Settings, 'SUBNET_POOL' | 'EXTERNAL_SUBNET'>,
  names: readonly string[] = stackNetworks,
): Promise<StackNetworkOptions> {
  const host = await readHostNetwork()
  const mtu = host.mtu !== null && host.mtu < usualMtu ? { mtu: host.mtu } : {}
  const { SUBNET_POOL: pool, EXTERNAL_SUBNET: external } = settings
  if (!pool && !external) return mtu
  const { own, taken } = await takenSubnets(engine, stack, host)
  if (external) refuseCollision({ name: 'EXTERNAL_SUBNET', subnet: external }, taken)
  if (!pool) return mtu
  // A running stack keeps its subnets, as long as they are of the pool.
  const kept = names.flatMap(name => {
    const subnet = own.get(name) ?? ''
    return collisions(pool, [{ subnet, by: '' }]).length > 0 ? [{ name, subnet, by: name }] : []
  })
  const fixed = external ? [{ subnet: external, by: 'EXTERNAL_SUBNET' }] : []
  const missing = names.filter(name => kept.every(network => network.name !== name))
  return {
    ...mtu,
    subnets: {
      ...Object.fromEntries(kept.map(({ name, subnet }) => [name, subnet])),
      ...chooseSubnets(pool, stack, [...taken, ...fixed, ...kept], missing),
    },
  }
}

/** Warns about a network whose subnet a route of the host covers too, such as that of a VPN that came later. */
export async function warnAboutCollisions(engine: Engine, stack: string, log: Log): Promise<void> {
  const { own, taken } = await takenSubnets(engine, stack, await readHostNetwork())
  for (const [network, subnet] of own) {
    const [first] = collisions(subnet, taken)
    if (!first) continue
    log({
      kind: 'warn',
      text: `the network ${network} has ${subnet}, which overlaps ${first.subnet} of ${terminalLine(first.by)}; set SUBNET_POOL in .env to a range that nothing else uses`,
    })
  }
}

/** Returns the subnets of a stack's own networks, and those of everything else on this host. */
async function takenSubnets(engine: Engine, stack: string, { routes }: HostNetwork) {
  const networks = (await engine.networks([])).flatMap(({ Name, Id, Labels, IPAM }) =>
    (IPAM?.Config ?? []).flatMap(({ Subnet }) =>
      Subnet
        ? [{ name: Name, id: Id, subnet: Subnet, own: Labels?.[composeLabels.project] === stack }]
        : [],
    ),
  )
  const bridges = new Set(['docker0', ...networks.map(({ id }) => `br-${id.slice(0, 12)}`)])
  const taken: TakenSubnet[] = [
    ...networks
      .filter(({ own }) => !own)
      .map(({ name, subnet }) => ({ subnet, by: `the network ${name}` })),
    ...routes
      .filter(({ interface: name, subnet }) => !bridges.has(name) && !/\/[01]$/.test(subnet))
      .map(({ interface: name, subnet }) => ({ subnet, by: `the interface ${name}` })),
  ]
  const own = new Map(
    networks
      .filter(network => network.own)
      .map(({ name, subnet }) => [name.replace(`${stack}_`, ''), subnet] as const),
  )
  return { own, taken }
}
