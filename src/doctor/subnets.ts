import { networkInterfaces } from 'node:os'
import { type AddressPool, countSubnets } from '../engine/address-pools.ts'
import type { Engine } from '../engine/engine.ts'
import { type Check, ok, warning } from './diagnosis.ts'

/** A stack has three networks. */
const ofStack = 3

/** For how many more stacks the engine has networks. */
export function judgeSubnets({ all, free }: { all: number; free: number }): Check[] {
  const stacks = Math.floor(free / ofStack)
  const message = `${free} of the engine's ${all} subnets are free, and a stack takes ${ofStack}`
  if (stacks > 1) return [ok('subnets', message)]
  return [
    warning(
      'subnets',
      message,
      './claude.ts list and stop ID free some; default-address-pools in daemon.json makes more (docs/troubleshooting.md)',
    ),
  ]
}

/** Of all networks, also those of other programs, and of what else the host has addresses in. */
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
