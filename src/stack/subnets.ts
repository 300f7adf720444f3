import { createHash } from 'node:crypto'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { type Range, rangeOf } from '../engine/address-pools.ts'

/** The networks of compose.yaml. */
export const stackNetworks = ['claude-internal', 'services-internal', 'proxy-external'] as const

/** The subnet of each network. */
export type StackSubnets = Readonly<Record<(typeof stackNetworks)[number], string>>

/** A subnet in use, and its user: a network of the engine, or an interface of the host. */
export type TakenSubnet = { subnet: string; by: string }

/** Room for 61 containers in each network. */
const pieceBits = 26

/**
 * Cuts three subnets for a stack from SUBNET_POOL, past everything that the engine and the host use. Begins at a
 * place that depends on the stack's name, so that two that start at once rarely choose the same.
 */
export function chooseSubnets(
  pool: string,
  stack: string,
  taken: readonly TakenSubnet[],
): StackSubnets {
  const range = rangeOf(pool)
  const size = 2 ** (32 - pieceBits)
  const count = range ? Math.floor((range.last - range.first + 1) / size) : 0
  const used = taken.flatMap(({ subnet }) => rangeOf(subnet) ?? [])
  const start = count > 0 ? createHash('sha256').update(stack).digest().readUInt32BE() % count : 0
  const chosen: string[] = []
  for (let step = 0; step < count && chosen.length < stackNetworks.length; step++) {
    const first = (range?.first ?? 0) + ((start + step) % count) * size
    const piece = { first, last: first + size - 1 }
    if (!used.some(other => overlap(piece, other))) chosen.push(`${dotted(first)}/${pieceBits}`)
  }
  const [claude, services, external] = chosen
  if (claude && services && external) {
    return { 'claude-internal': claude, 'services-internal': services, 'proxy-external': external }
  }
  throw new UserError(
    `SUBNET_POOL=${pool} has no three free subnets of /${pieceBits}: ${inTheWay(pool, taken)}`,
    {
      hint: `set SUBNET_POOL in .env to a range that neither your network nor your VPN uses, or stop a stack: ${command('list')}`,
    },
  )
}

/** Refuses a fixed subnet that a route of the host covers too: either would lose its traffic. */
export function refuseCollision(
  setting: { name: string; subnet: string },
  taken: readonly TakenSubnet[],
): void {
  const [first] = collisions(setting.subnet, taken)
  if (!first) return
  throw new UserError(
    `${setting.name}=${setting.subnet} overlaps ${first.subnet} of ${terminalLine(first.by)}`,
    { hint: `set ${setting.name} in .env to a subnet that nothing else uses` },
  )
}

/** Returns what else uses addresses of a subnet. */
export function collisions(subnet: string, taken: readonly TakenSubnet[]): TakenSubnet[] {
  const own = rangeOf(subnet)
  return taken.filter(other => {
    const range = rangeOf(other.subnet)
    return own !== null && range !== null && overlap(own, range)
  })
}

/** Names at most three users of a range. */
function inTheWay(pool: string, taken: readonly TakenSubnet[]): string {
  const there = collisions(pool, taken)
  if (there.length === 0) return 'it is too small'
  const names = there.slice(0, 3).map(({ subnet, by }) => `${by} uses ${subnet}`)
  const more = there.length > names.length ? ` and ${there.length - names.length} more` : ''
  return terminalLine(`${names.join(', ')}${more}`)
}

function overlap(a: Range, b: Range) {
  return a.first <= b.last && b.first <= a.last
}

function dotted(address: number) {
  return [24, 16, 8, 0].map(shift => Math.floor(address / 2 ** shift) % 256).join('.')
}
