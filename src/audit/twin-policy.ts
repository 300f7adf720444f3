import { grantEnd, renderServerGrants } from '../egress/server-grants.ts'

/** Ports that the twin grants to one name each: with TLS, and without. */
export const grantedPorts = { tls: 9443, plain: 9022 } as const

/**
 * Adds the canary's names to the agent's list, in the form of the list itself: a defect of its entries
 * affects these too. Returns null when there is no such list.
 */
export function policyWithNames(inForce: string, names: CanaryNames): string | null {
  // The proxy image decides where to listen, as in the stack.
  const policy = inForce.replace(/^[ \t]*https?_port[ \t].*$/gm, '')
  const list = /^[ \t]*acl[ \t]+allowed_sites[ \t]+(dstdomain(?:[ \t]+-\S+)*).*$/m.exec(policy)
  if (!list) return null
  const end = list.index + list[0].length
  const line = `acl allowed_sites ${list[1]} ${listedNames(names).join(' ')}`
  const listed = `${policy.slice(0, end)}\n${line}${policy.slice(end)}`
  const { serverGranted, serverExpired } = names
  // A policy of an earlier version has no such list.
  return listed.replace(
    /^[ \t]*acl[ \t]+grantable_sites[ \t]+(dstdomain(?:[ \t]+-\S+)*).*$/m,
    (ceiling, kind) => `${ceiling}\nacl grantable_sites ${kind} ${serverGranted} ${serverExpired}`,
  )
}

/** Names that exist for one audit only. */
export type CanaryNames = ReturnType<typeof canaryNames>

/** @param id random, so that no cache knows the names from an earlier audit */
export function canaryNames(id: string) {
  const name = (label: string) => `${label}.audit-${id}.test`
  return {
    /** On the twin's allowlist. */
    listed: name('listed'),
    alsoListed: name('also-listed'),
    /** Listed, and resolve to addresses that must stay unreachable. */
    private: name('private'),
    neighbour: name('neighbour'),
    mixed: name('mixed'),
    /** Granted, not listed: a private range, another range than the name's, a port, a port without TLS. */
    granted: name('granted'),
    grantedElsewhere: name('granted-elsewhere'),
    grantedMixed: name('granted-mixed'),
    grantedPort: name('granted-port'),
    grantedPlain: name('granted-plain'),
    /** Granted to a tenant of a server: below the ceiling, above it, and until a time that is over. */
    serverGranted: name('server-granted'),
    serverAbove: name('server-above'),
    serverExpired: name('server-expired'),
    flip: name('flip'),
    metadata: name('metadata'),
    loopback: name('loopback'),
    /** The gateway's upstream with private addresses: in a range of the setting, and only partly. Listed for the agent too. */
    upstream: name('upstream'),
    upstreamMixed: name('upstream-mixed'),
    /** Listed, and refused by the twin's parent proxy, if there is one. */
    refused: name('refused'),
    /** Not listed, and resolve to the canary. */
    unlisted: name('unlisted'),
    belowListed: name('below.listed'),
    /** Names for one DNS query each: the query itself leaks the name. */
    secret: (label: string) => name(`secret-${label}`),
  }
}

/** Returns the names that the twin's policy lists for its agent. */
export function listedNames(names: CanaryNames): string[] {
  const {
    listed,
    alsoListed,
    private: private_,
    neighbour,
    mixed,
    flip,
    metadata,
    loopback,
    refused,
    upstream,
  } = names
  return [
    listed,
    alsoListed,
    private_,
    neighbour,
    mixed,
    flip,
    metadata,
    loopback,
    refused,
    upstream,
  ]
}

/** Docker chooses the twin's private network: within one of these ranges. */
export const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'] as const

/** The tenant whose network the twin's agent is on. */
export const twinTenant = 'audit'

/** Renders the twin's grants of a server. */
export function serverGrantsFor(names: CanaryNames, now = new Date()): string {
  const end = (seconds: number) => grantEnd(seconds, now)
  const grant = (name: string, seconds: number) => ({
    ...{ name, tenant: twinTenant, until: end(seconds) },
    by: 'host:audit',
  })
  return renderServerGrants([
    grant(names.serverGranted, 3_600),
    grant(names.serverAbove, 3_600),
    grant(names.serverExpired, -3_600),
  ])
}

/** Renders the twin's grants. */
export function grantsFor(names: CanaryNames): string {
  return [
    ...privateRanges.map(range => `allow ${names.granted} private ${range}`),
    ...privateRanges.map(range => `allow ${names.grantedMixed} private ${range}`),
    `allow ${names.grantedElsewhere} private 100.127.0.0/16`,
    `allow ${names.grantedPort} port ${grantedPorts.tls}`,
    `allow ${names.grantedPlain} port ${grantedPorts.plain} no-tls`,
    '',
  ].join('\n')
}
