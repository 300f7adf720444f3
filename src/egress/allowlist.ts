import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { isOver } from './list-entries.ts'
import { type Directive, parseSquidConf, squidConfError } from './squid-conf.ts'

/** A name on a list, with its line in squid.conf. */
export type Site = {
  /** As written; a leading dot admits every name below it. */
  name: string
  line: number
  /** Without `-n` Squid resolves addresses to names, and the owner of a PTR record gets in (N5). */
  namesOnly: boolean
  /** When the name expires: UTC, such as `2026-11-21T18:00:00Z`. */
  until?: string
}

/** The lists of proxy/squid.conf: the names that each kind of caller may reach. */
export type Allowlist = {
  agent: Site[]
  gateway: Site[]
  server: Site[]
  /** What `serve allow` may open to a tenant for a time. Nothing is open by this list alone. */
  grantable: Site[]
  /** Open to the agent while it logs in by itself. */
  login: Site[]
}

const lists = {
  allowed_sites: 'agent',
  gateway_sites: 'gateway',
  server_sites: 'server',
  grantable_sites: 'grantable',
  login_sites: 'login',
} as const satisfies Record<string, keyof Allowlist>

/**
 * Parses the allowlist out of a squid.conf. Throws a `UserError` with the line for anything in a list
 * that it does not understand, and for a missing list: an unreadable list is not an empty one.
 */
export function parseAllowlist(text: string, path = 'proxy/squid.conf'): Allowlist {
  const allowlist: Allowlist = { agent: [], gateway: [], server: [], grantable: [], login: [] }
  const seen = new Set<string>()
  const directives = parseSquidConf(text, path)
  for (const directive of directives) {
    const [keyword, list] = directive.words
    if (keyword !== 'acl' || !isList(list)) continue
    seen.add(list)
    allowlist[lists[list]].push(...sitesOf(directive, { path, text }))
  }
  for (const list of Object.keys(lists)) {
    // A file of an earlier version has neither the list nor the rule that opens grants.
    const isNew =
      list === 'grantable_sites' && !directives.some(({ words }) => words.includes(list))
    if (seen.has(list) || isNew) continue
    throw new UserError(`${path} has no list ${list}`, {
      hint: `add the line, without a name to allow nothing: acl ${list} dstdomain -n`,
    })
  }
  return allowlist
}

/** Returns the sites that have not expired. */
export function activeSites(sites: readonly Site[], now: Date): Site[] {
  return sites.filter(({ until }) => !isOver(until, now))
}

/** Returns whether a list entry admits a name: `.a.test` admits a.test and every subdomain. */
export function admits(entry: string, name: string): boolean {
  if (entry === name) return true
  if (!entry.startsWith('.')) return false
  const host = name.replace(/^\./, '')
  return host === entry.slice(1) || host.endsWith(entry)
}

function isList(name: string | undefined): name is keyof typeof lists {
  return name !== undefined && Object.hasOwn(lists, name)
}

function sitesOf({ line, words, until }: Directive, file: { path: string; text: string }): Site[] {
  const [, list, type, ...rest] = words
  if (type !== 'dstdomain') {
    throw squidConfError(file, line, `${list} must be of type dstdomain, not ${show(type ?? '')}`)
  }
  const namesOnly = rest[0] === '-n'
  const names = namesOnly ? rest.slice(1) : rest
  return names.map(name => {
    // Also refuses "/a/file" (names outside of this file), -i, and options of newer Squids.
    if (!/^[a-z0-9.*_:[\]][a-z0-9.*_:[\]-]*$/i.test(name)) {
      throw squidConfError(file, line, `${show(name)} is not a name`)
    }
    return { name, line, namesOnly, ...(until && { until }) }
  })
}

const show = (text: string) => JSON.stringify(terminalLine(text, 80))
