import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { admits, type Site } from './allowlist.ts'
import { isOver, untilText } from './list-entries.ts'

/**
 * A name that is open to one tenant of a server for a time: a line of the server's grants file.
 * proxy/server-grants compiles it, and accepts exactly what `parseServerGrants` accepts.
 */
export type ServerGrant = {
  /** One host name, on port 443. */
  name: string
  tenant: string
  /** When it expires: UTC, such as `2026-11-21T18:00:00Z`. */
  until: string
  /** Who granted it: `host:USER` for a command on the host. */
  by: string
}

/** Entries in one file, and seconds that a grant lasts at most. As in proxy/server-grants. */
export const serverGrantLimit = 50
export const longestServerGrant = 7 * 86_400

const line = /^grant (\S+) tenant (\S+) until (\S+) by (\S+)$/
const form = {
  // As `dns_name` of squid.conf. A leading dot would be a wildcard.
  name: /^(?=.{1,253}$)([a-z0-9_-]+\.)+[a-z][a-z0-9-]*$/,
  tenant: /^[a-z0-9][a-z0-9-]{0,23}$/,
  until: /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/,
  by: /^[A-Za-z0-9][A-Za-z0-9._@:+-]{0,79}$/,
} as const

/** Parses a grants file of a server. Throws for a line that it does not understand: the proxy grants nothing then. */
export function parseServerGrants(text: string, path: string): ServerGrant[] {
  const grants: ServerGrant[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    if (/^[ \t]*(#|$)/.test(raw)) continue
    const words = raw.trim().split(/[ \t]+/)
    const [, name = '', tenant = '', until = '', by = ''] = line.exec(words.join(' ')) ?? []
    const grant = { name, tenant, until, by }
    const isValid = (['name', 'tenant', 'until', 'by'] as const).every(key =>
      form[key].test(grant[key]),
    )
    if (!isValid || grants.length === serverGrantLimit) {
      const why = isValid
        ? `a file holds at most ${serverGrantLimit} grants`
        : 'it is not: grant NAME tenant TENANT until TIME by WHO'
      throw new UserError(
        `${terminalLine(path)} line ${index + 1}: ${why}: ${terminalLine(raw.trim(), 100)}`,
        { hint: 'remove that line; the proxy grants nothing while the file has it' },
      )
    }
    grants.push(grant)
  }
  return grants
}

/** Renders a grants file. */
export function renderServerGrants(grants: readonly ServerGrant[]): string {
  return grants
    .map(
      ({ name, tenant, until, by }) => `grant ${name} tenant ${tenant} until ${until} by ${by}\n`,
    )
    .join('')
}

export type ServerGrantChange = {
  kind: 'opened' | 'prolonged' | 'shortened' | 'kept' | 'closed' | 'absent'
  name: string
  tenant: string
  until?: string
  by?: string
}

type Changed = { grants: ServerGrant[]; changes: ServerGrantChange[] }

/** Returns the grants with a name open to tenants until a time. Leaves out expired ones. */
export function withGrant(
  grants: readonly ServerGrant[],
  grant: Omit<ServerGrant, 'tenant'>,
  tenants: readonly string[],
  now: Date,
): Changed {
  const active = activeGrants(grants, now)
  const changes = tenants.map((tenant): ServerGrantChange => {
    const before = active.find(same => same.name === grant.name && same.tenant === tenant)
    const kind = !before ? 'opened' : kindOf(before.until, grant.until)
    return { kind, name: grant.name, tenant, until: grant.until, by: grant.by }
  })
  const others = active.filter(
    ({ name, tenant }) => name !== grant.name || !tenants.includes(tenant),
  )
  return { grants: [...others, ...tenants.map(tenant => ({ ...grant, tenant }))], changes }
}

/** Makes one change for each name. */
export function changeAll(
  grants: readonly ServerGrant[],
  names: readonly string[],
  change: (grants: readonly ServerGrant[], name: string) => Changed,
): Changed {
  return names.reduce<Changed>(
    (done, name) => {
      const next = change(done.grants, name)
      return { grants: next.grants, changes: [...done.changes, ...next.changes] }
    },
    { grants: [...grants], changes: [] },
  )
}

function kindOf(before: string, after: string) {
  if (before === after) return 'kept'
  return before < after ? 'prolonged' : 'shortened'
}

/** Returns the grants without a name for tenants. Leaves out expired ones. */
export function withoutGrant(
  grants: readonly ServerGrant[],
  name: string,
  tenants: readonly string[],
  now: Date,
): Changed {
  const active = activeGrants(grants, now)
  const isGone = (grant: ServerGrant) => grant.name === name && tenants.includes(grant.tenant)
  const gone = active.filter(isGone)
  const changes = gone.map(({ tenant }): ServerGrantChange => ({ kind: 'closed', name, tenant }))
  const absent = tenants.map((tenant): ServerGrantChange => ({ kind: 'absent', name, tenant }))
  return {
    grants: active.filter(grant => !isGone(grant)),
    changes: gone.length > 0 ? changes : absent,
  }
}

/** Returns the grants that have not expired. */
export function activeGrants(grants: readonly ServerGrant[], now: Date): ServerGrant[] {
  return grants.filter(({ until }) => !isOver(until, now))
}

/** Returns whether the ceiling `grantable_sites` admits a name now. */
export function isGrantable(name: string, ceiling: readonly Site[], now: Date): boolean {
  return ceiling.some(site => !isOver(site.until, now) && admits(site.name.toLowerCase(), name))
}

/** Returns the expiry of a grant that begins now. */
export function grantEnd(seconds: number, now: Date): string {
  return untilText(new Date(now.getTime() + seconds * 1000))
}
