/** A request that holds bytes: its token is one of its tenant's. */
export type ByteHolder = { token: string; tenant: string }

/** The holder of a caller's bytes. */
export function holderOf(caller: {
  token: { name: string }
  tenant: { name: string }
}): ByteHolder {
  return { token: caller.token.name, tenant: caller.tenant.name }
}

/**
 * Counts bytes that requests hold in memory: at most `total`, and at most `each` for one token. Half of the
 * total is kept for the tenants in equal parts, as far as they do not use it, so that the tokens of one tenant
 * together do not keep out the others; the other half goes to the first that asks.
 *
 * @param options.tenants returns the number of tenants; 1 has all of it.
 */
export function createByteBudget(options: { total: number; each: number; tenants: () => number }) {
  const { total, each } = options
  const byToken = new Map<string, number>()
  const byTenant = new Map<string, number>()
  let sum = 0

  /** What must stay free for other tenants, of which some may not have come yet. */
  function keptFor(tenant: string, part: number, tenants: number): number {
    const others = [...byTenant].filter(([name]) => name !== tenant).map(([, bytes]) => bytes)
    const absent = Math.max(0, tenants - 1 - others.length)
    return others.reduce((kept, bytes) => kept + Math.max(0, part - bytes), absent * part)
  }

  return {
    /** Takes more bytes; false when there is no room for them. */
    take({ token, tenant }: ByteHolder, bytes: number): boolean {
      const tenants = Math.max(1, options.tenants())
      const part = Math.floor(total / (2 * tenants))
      const ofTenant = (byTenant.get(tenant) ?? 0) + bytes
      const kept = tenants === 1 || ofTenant <= part ? 0 : keptFor(tenant, part, tenants)
      if (sum + bytes + kept > total || (byToken.get(token) ?? 0) + bytes > each) return false
      sum += bytes
      add(byToken, token, bytes)
      add(byTenant, tenant, bytes)
      return true
    },
    /** Gives back what `take` took. */
    give({ token, tenant }: ByteHolder, bytes: number) {
      sum -= bytes
      add(byToken, token, -bytes)
      add(byTenant, tenant, -bytes)
    },
  }
}

function add(held: Map<string, number>, name: string, bytes: number) {
  const sum = (held.get(name) ?? 0) + bytes
  if (sum > 0) held.set(name, sum)
  else held.delete(name)
}
