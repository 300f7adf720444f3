import { lookup } from 'node:dns/promises'
import { BlockList, isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import { ApiError } from '../api-error.ts'

/** Returns whether an address is on the network of a tenant. */
export type IsFromTenant = (tenant: string, address: string) => Promise<boolean>

type Interface = { family: string; address: string; cidr: string | null }

/**
 * Creates the check that a request comes from the network of its tenant. On each of these networks the gateway has
 * the alias `gateway-tenant-NAME`, which the engine's DNS resolves. Returns false for a tenant without a network.
 * Judges the address of the caller and not the gateway's own: a socket that is bound to its interface reaches an
 * address of another network without a route.
 */
export function createTenantNetworks(
  options: {
    resolve?: (name: string) => Promise<string>
    interfaces?: () => readonly Interface[]
  } = {},
): IsFromTenant {
  const resolve = options.resolve ?? (async name => (await lookup(name, { family: 4 })).address)
  const interfaces =
    options.interfaces ?? (() => Object.values(networkInterfaces()).flatMap(list => list ?? []))
  /** A network stays as long as the container. */
  const known = new Map<string, BlockList>()

  async function networkOf(tenant: string): Promise<BlockList | null> {
    const present = known.get(tenant)
    if (present) return present
    const own = await resolve(`gateway-tenant-${tenant}`).catch(() => null)
    const found = interfaces().find(({ family, address }) => family === 'IPv4' && address === own)
    const [start, length] = found?.cidr?.split('/') ?? []
    if (start === undefined || length === undefined) return null
    const network = new BlockList()
    network.addSubnet(start, Number(length), 'ipv4')
    known.set(tenant, network)
    return network
  }

  return async (tenant, address) => {
    const caller = address.replace(/^::ffff:/, '')
    if (!isIPv4(caller)) return false
    return (await networkOf(tenant))?.check(caller, 'ipv4') ?? false
  }
}

/** Rejects a placeholder that was carried to another tenant's worker: it is worth something on its own network alone. */
export async function refuseOtherNetwork(
  isFromTenant: IsFromTenant,
  { tenant }: { tenant: string | null },
  address: string | undefined,
): Promise<void> {
  if (tenant === null || (await isFromTenant(tenant, address ?? ''))) return
  throw new ApiError(
    403,
    'permission_error',
    'claude-secure: this placeholder belongs to another network of the stack.',
  )
}
