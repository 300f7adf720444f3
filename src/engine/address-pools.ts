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
