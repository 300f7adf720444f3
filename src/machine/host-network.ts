import { readFile } from 'node:fs/promises'

/** A route of the host's main table. */
export type Route = { interface: string; subnet: string; metric: number }

export type HostNetwork = {
  routes: readonly Route[]
  /** Whether IPv6 leads out of this host. */
  ipv6: boolean
  /** Maximum bytes of a packet on the way out; null when there is no way out, or it is not known. */
  mtu: number | null
}

/** Parses /proc/net/route. The kernel writes addresses as numbers in its own byte order. */
export function parseRoutes(text: string): Route[] {
  return text.split('\n').flatMap(line => {
    const [name = '', destination = '', , flags = '', , , metric = '', mask = ''] =
      line.split(/\s+/)
    const up = (Number.parseInt(flags, 16) & 1) === 1
    if (!/^[0-9A-F]{8}$/.test(destination) || !/^[0-9A-F]{8}$/.test(mask) || !up) return []
    const bits = Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length
    const bytes = (destination.match(/../g) ?? []).reverse().map(byte => Number.parseInt(byte, 16))
    return [{ interface: name, subnet: `${bytes.join('.')}/${bits}`, metric: Number(metric) }]
  })
}

/** Parses whether /proc/net/ipv6_route has a default route that leads out. */
export function hasIpv6Default(text: string): boolean {
  return text.split('\n').some(line => {
    const words = line.trim().split(/\s+/)
    // An unreachable default route, which every host has, is on the loopback.
    return words[0] === '0'.repeat(32) && words[1] === '00' && words[9] !== 'lo'
  })
}

/** Returns the route that leads out; VPNs cut the default route in two halves. */
export function wayOut(routes: readonly Route[]): Route | null {
  const out = routes.filter(({ subnet }) => /^(0\.0\.0\.0\/[01]|128\.0\.0\.0\/1)$/.test(subnet))
  const halves = out.filter(({ subnet }) => subnet.endsWith('/1'))
  const [first] = (halves.length > 0 ? halves : out).toSorted((a, b) => a.metric - b.metric)
  return first ?? null
}

export async function readHostNetwork(): Promise<HostNetwork> {
  const read = (path: string) => readFile(path, 'utf8').catch(() => '')
  const [v4, v6] = await Promise.all([read('/proc/net/route'), read('/proc/net/ipv6_route')])
  const routes = parseRoutes(v4)
  const out = wayOut(routes)
  const mtu = out ? Number(await read(`/sys/class/net/${out.interface}/mtu`)) : 0
  return { routes, ipv6: hasIpv6Default(v6), mtu: mtu >= 576 ? mtu : null }
}

/** Whether the only way out of this host is IPv6. */
export function isIpv6Only({ routes, ipv6 }: HostNetwork): boolean {
  const ours = /^(lo|docker\d+|br-[0-9a-f]{12}|veth.*)$/
  return ipv6 && routes.every(route => ours.test(route.interface))
}
