import { networkInterfaces } from 'node:os'
import { command } from '../base/command.ts'
import { type AddressPool, countSubnets } from '../engine/address-pools.ts'
import type { Engine } from '../engine/engine.ts'
import { type Check, ok, warning } from './diagnosis.ts'

/** A stack has three networks. */
const ofStack = 3

/** Judges for how many more stacks the engine has subnets. */
export function judgeSubnets({ all, free }: { all: number; free: number }): Check[] {
  const stacks = Math.floor(free / ofStack)
  const message = `${free} of the engine's ${all} subnets are free; a stack needs ${ofStack}`
  if (stacks > 1) return [ok('subnets', message)]
  return [
    warning(
      'subnets',
      message,
      `stop a stack (${command('list')}, ${command('stop ID')}), or add default-address-pools to daemon.json (docs/troubleshooting.md)`,
    ),
  ]
}

/** Counts the subnets, with those of other programs' networks and of the host's own addresses. */
export async function readSubnets(engine: Engine, pools: readonly AddressPool[] | null) {
  const networks = await engine.networks([])
  const ofNetworks = networks.flatMap(({ IPAM }) =>
    (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []),
  )
  const ofHost = Object.values(networkInterfaces()).flatMap(addresses =>
    (addresses ?? []).flatMap(({ cidr }) => cidr ?? []),
  )
  return countSubnets(pools, [...ofNetworks, ...ofHost])
}
