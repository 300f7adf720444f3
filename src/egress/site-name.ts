import { isIP } from 'node:net'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { isBelowShared, isShared, isSharedHost } from './shared-suffixes.ts'

export type SiteName = {
  /** As it stands in a list: lower case, ASCII, a leading dot for all names below. */
  name: string
  /** Where the name was taken from, when it was typed as something longer. */
  from?: string
}

/** A name as people type or paste it: capitals, a final dot, umlauts, `*.`, a whole URL. */
export function parseSiteName(text: string): SiteName {
  const typed = text.trim()
  const below = /^(\*?\.)/.exec(typed)?.[1] ?? ''
  const bare = typed.slice(below.length)
  if (isAddress(bare))
    throw refused(typed, 'is an address, and addresses are never let through', named)
  if (bare.includes('*')) throw refused(typed, 'holds a *, which is no wildcard here', named)
  const url = parseUrl(bare)
  const host = url.hostname.replace(/\.$/, '')
  if (url.username || url.password) throw refused(typed, 'holds a user name', named)
  if (url.protocol !== 'https:' || (url.port !== '' && url.port !== '443')) {
    throw refused(typed, 'is not HTTPS on port 443, and nothing else is let through', named)
  }
  if (isAddress(host))
    throw refused(typed, 'is an address, and addresses are never let through', named)
  if (!host.includes('.')) {
    throw refused(
      typed,
      'has no dot: whole top-level domains and such names are not let through',
      named,
    )
  }
  // As the rule `dns_name` of proxy/squid.conf: what it does not let through is no use on a list.
  if (host.length > 253 || !/^([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/.test(host)) {
    throw refused(typed, 'is not the name of a host', named)
  }
  const name = `${below ? '.' : ''}${host}`
  return bare.includes('/') || url.port ? { name, from: terminalLine(typed, 80) } : { name }
}

/** Refuses a name that admits more than it seems, with the reason; `force` and `subdomains` are the user's word. */
export function refuseDangerous(
  { name }: SiteName,
  options: { force?: boolean; subdomains?: boolean; services?: boolean },
) {
  const host = name.replace(/^\./, '')
  const below = name.startsWith('.')
  if (below && !options.subdomains) {
    throw refused(name, 'admits every name below it, and DNS questions for them', {
      hint: `list the one name you use; for all of them: ./claude.ts allow --subdomains ${host}`,
    })
  }
  if (options.force) return
  const forced = (what: string) => ({ hint: `${what}; to open it all the same, add --force` })
  if (below && /^((co|com|org|net|gov|edu|ac|gob|go|or|ne|gv|mil)\.)[a-z]{2}$/.test(host)) {
    throw refused(name, 'admits the names of a whole country', forced('list single names'))
  }
  if (below ? isShared(host) : isSharedHost(host)) {
    throw refused(
      name,
      'is shared: anybody can have a place of his own there, and take what is sent to it',
      // Of a cloud's hosts nobody can tell from the name whose they are.
      isBelowShared(host) && !below
        ? { hint: 'if this one host is what you use, and you trust whoever fills it, add --force' }
        : forced('list the one name below it that you use'),
    )
  }
  if (!options.services && /^(api\.)?anthropic\.com$/.test(host)) {
    throw refused(
      name,
      'on the agent’s list would let it send data out with a key of its own',
      forced('leave it to the gateway, which has its own list'),
    )
  }
}

function parseUrl(text: string) {
  try {
    return new URL(text.includes('://') ? text : `https://${text}`)
  } catch (cause) {
    throw refused(text, 'is not the name of a host', { ...named, cause })
  }
}

function isAddress(text: string) {
  const host = text.replace(/^\[|\]$/g, '')
  return isIP(host) !== 0 || /^(0x[0-9a-f]+|\d+)(\.(0x[0-9a-f]+|\d+))*\.?$/i.test(host)
}

const named = { hint: 'name a host, for example: ./claude.ts allow api.github.com' }

function refused(text: string, why: string, options: { hint: string; cause?: unknown }) {
  return new UserError(`${terminalLine(text, 100)} ${why}`, options)
}
