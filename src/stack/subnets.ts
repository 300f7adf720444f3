import { createHash } from 'node:crypto'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'

/** A block of addresses that the engine cuts into networks of one size, as in its settings. */
export type AddressPool = { Base: string; Size: number }

/** The engine's pools when its settings name none. */
const defaults: readonly AddressPool[] = [
  ...Array.from({ length: 15 }, (_, i) => ({ Base: `172.${17 + i}.0.0/16`, Size: 16 })),
  { Base: '192.168.0.0/16', Size: 20 },
]

/** Upper bound of the count: more subnets never run out, and counting them is slow. */
const countedTo = 4_096

/** The first and last address of a subnet, as numbers. */
export type Range = { first: number; last: number }

/**
 * Counts the subnets for networks, and how many of them are free: overlapped by no other network and no
 * interface of the host. `taken` has subnets such as 172.17.0.0/16.
 */
export function countSubnets(
  pools: readonly AddressPool[] | null,
  taken: readonly string[],
): { all: number; free: number } {
  const used = taken.flatMap(subnet => rangeOf(subnet) ?? [])
  let all = 0
  let free = 0
  for (const { Base, Size } of pools && pools.length > 0 ? pools : defaults) {
    const base = rangeOf(Base)
    if (!base || Size < 1 || Size > 32) continue
    const length = 2 ** (32 - Size)
    for (let first = base.first; first + length - 1 <= base.last && all < countedTo; ) {
      const last = first + length - 1
      all += 1
      if (!used.some(range => range.first <= last && first <= range.last)) free += 1
      first += length
    }
  }
  return { all, free }
}

/** Returns null for IPv6 and for text that is not a subnet. */
export function rangeOf(subnet: string): Range | null {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(subnet)
  if (!match) return null
  const [a = 0, b = 0, c = 0, d = 0, prefix = 0] = match.slice(1).map(Number)
  if (Math.max(a, b, c, d) > 255 || prefix > 32) return null
  const size = 2 ** (32 - prefix)
  const address = ((a * 256 + b) * 256 + c) * 256 + d
  const first = Math.floor(address / size) * size
  return { first, last: first + size - 1 }
}

/** The networks of compose.yaml. */
export const stackNetworks = ['claude-internal', 'services-internal', 'proxy-external'] as const

/** The networks of compose.server.yaml, without those of its tenants. */
export const serverNetworkNames = [
  'front-internal',
  'server-internal',
  'services-internal',
  'server-ingress',
  'proxy-external',
] as const

/** The subnet of each network. */
export type StackSubnets = Readonly<Record<string, string>>

/** A subnet in use, and its user: a network of the engine, or an interface of the host. */
export type TakenSubnet = { subnet: string; by: string }

/** Room for 61 containers in each network. */
const pieceBits = 26

/**
 * Cuts a subnet for each network of a stack from SUBNET_POOL, past everything that the engine and the host use. Begins at a
 * place that depends on the stack's name, so that two that start at once rarely choose the same.
 */
export function chooseSubnets(
  pool: string,
  stack: string,
  taken: readonly TakenSubnet[],
  networks: readonly string[] = stackNetworks,
): StackSubnets {
  const range = rangeOf(pool)
  const size = 2 ** (32 - pieceBits)
  const count = range ? Math.floor((range.last - range.first + 1) / size) : 0
  const used = taken.flatMap(({ subnet }) => rangeOf(subnet) ?? [])
  const start = count > 0 ? createHash('sha256').update(stack).digest().readUInt32BE() % count : 0
  const chosen: string[] = []
  for (let step = 0; step < count && chosen.length < networks.length; step++) {
    const first = (range?.first ?? 0) + ((start + step) % count) * size
    const piece = { first, last: first + size - 1 }
    if (!used.some(other => overlap(piece, other))) chosen.push(`${dotted(first)}/${pieceBits}`)
  }
  if (chosen.length === networks.length) {
    return Object.fromEntries(networks.map((name, index) => [name, chosen[index] ?? '']))
  }
  const wanted = networks.length === 3 ? 'three' : networks.length
  throw new UserError(
    `SUBNET_POOL=${pool} has no ${wanted} free subnets of /${pieceBits}: ${inTheWay(pool, taken)}`,
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
