import { isIP } from 'node:net'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'

export type SiteName = {
  /** As in a list: lower case, ASCII, with a leading dot for all subdomains. */
  name: string
  /** The typed text, when the name was only a part of it. */
  from?: string
}

/** Parses a name as people type or paste it: capitals, a final dot, umlauts, `*.`, a whole URL. */
export function parseSiteName(text: string): SiteName {
  const typed = text.trim()
  const below = /^(\*?\.)/.exec(typed)?.[1] ?? ''
  const bare = typed.slice(below.length)
  if (isAddress(bare)) throw refused(typed, 'is an address, and the proxy refuses addresses', named)
  if (bare.includes('*')) throw refused(typed, 'contains a *, which is not a wildcard here', named)
  const url = parseUrl(bare)
  const host = url.hostname.replace(/\.$/, '')
  if (url.username || url.password) throw refused(typed, 'contains a user name', named)
  if (url.protocol !== 'https:' || (url.port !== '' && url.port !== '443')) {
    throw refused(typed, 'is not HTTPS on port 443, which is all that a list can allow', {
      hint: portHint(url, host),
    })
  }
  if (isAddress(host)) throw refused(typed, 'is an address, and the proxy refuses addresses', named)
  if (!host.includes('.')) {
    throw refused(typed, 'has no dot: the proxy refuses top-level domains and short names', named)
  }
  // As the rule `dns_name` of proxy/squid.conf: a name that it refuses is useless on a list.
  if (host.length > 253 || !/^([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}$/.test(host)) {
    throw refused(typed, 'is not a host name', named)
  }
  const name = `${below ? '.' : ''}${host}`
  return bare.includes('/') || url.port ? { name, from: terminalLine(typed, 80) } : { name }
}

/** Throws for a name that admits more than it seems, unless the user passed `force` or `subdomains`. */
export function refuseDangerous(
  { name }: SiteName,
  options: { force?: boolean; subdomains?: boolean; server?: boolean },
) {
  const host = name.replace(/^\./, '')
  const below = name.startsWith('.')
  if (below && !options.subdomains) {
    throw refused(name, 'admits every subdomain, and DNS queries for each of them', {
      hint: `list the one name you use, or run ${command(`allow --subdomains ${host}`)}`,
    })
  }
  if (options.force) return
  const forced = (what: string) => ({ hint: `${what}, or add --force to allow it anyway` })
  if (below && /^((co|com|org|net|gov|edu|ac|gob|go|or|ne|gv|mil)\.)[a-z]{2}$/.test(host)) {
    throw refused(name, "admits a whole country's names", forced('list single names'))
  }
  if (below ? isShared(host) : isSharedHost(host)) {
    throw refused(
      name,
      'is shared: anyone can get space there and receive the data that is sent to it',
      // The name of a cloud's host does not show whose it is.
      isBelowShared(host) && !below
        ? { hint: 'add --force if you use this very host and trust its owner' }
        : forced('list the one name below it that you use'),
    )
  }
  if (!options.server && /^(api\.)?anthropic\.com$/.test(host)) {
    throw refused(
      name,
      'on the agent’s list would let the agent upload data with another API key',
      forced('leave it to the gateway, which has its own list'),
    )
  }
}

function parseUrl(text: string) {
  try {
    return new URL(text.includes('://') ? text : `https://${text}`)
  } catch (cause) {
    throw refused(text, 'is not a host name', { ...named, cause })
  }
}

/** Names the options that grant what a URL asks for. */
function portHint({ protocol, port }: URL, host: string) {
  if (!/^https?:$/.test(protocol) || !/^[a-z0-9._-]+$/.test(host)) return named.hint
  const tls = protocol === 'https:'
  return `run ${command(`allow ${host} --port ${port || 80}${tls ? '' : ' --no-tls'}`)} to open that port`
}

function isAddress(text: string) {
  const host = text.replace(/^\[|\]$/g, '')
  return isIP(host) !== 0 || /^(0x[0-9a-f]+|\d+)(\.(0x[0-9a-f]+|\d+))*\.?$/i.test(host)
}

const named = { hint: `name a host, for example: ${command('allow api.github.com')}` }

function refused(text: string, why: string, options: { hint: string; cause?: unknown }) {
  // A pasted URL can hold a password, and people share errors.
  const shown = text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1…@')
  return new UserError(`${terminalLine(shown, 100)} ${why}`, options)
}

/**
 * Suffixes below which anyone can register a name, and serve it or answer DNS for it (N4). With `*.`,
 * the labels in between are regions or products, and are shared as well.
 */
const sharedSuffixes = [
  '*.amazonaws.com',
  'appspot.com',
  'azureedge.net',
  'azurewebsites.net',
  'cloudapp.azure.com',
  'cloudfront.net',
  '*.core.windows.net',
  'fastly.net',
  'firebaseapp.com',
  'fly.dev',
  'github.io',
  'githubusercontent.com',
  'gitlab.io',
  'herokuapp.com',
  'netlify.app',
  'ngrok.app',
  'ngrok.io',
  'onrender.com',
  'pages.dev',
  '*.r2.cloudflarestorage.com',
  'r2.dev',
  'run.app',
  'storage.googleapis.com',
  'supabase.co',
  'trycloudflare.com',
  'vercel.app',
  'web.app',
  'workers.dev',
]

/** Returns whether a list entry `.name` admits names that strangers can register. */
export function isShared(name: string) {
  return sharedSuffixes.some(entry => {
    const suffix = entry.replace(/^\*\./, '')
    const above = name === suffix || suffix.endsWith(`.${name}`)
    return above || (entry !== suffix && name.endsWith(`.${suffix}`))
  })
}

/** Returns whether one host serves many tenants: a suffix itself, or a region of one. */
export function isSharedHost(name: string) {
  return sharedSuffixes.some(entry => {
    const suffix = entry.replace(/^\*\./, '')
    return name === suffix || (entry !== suffix && name.endsWith(`.${suffix}`))
  })
}

/** Returns whether the host belongs to a cloud that names hosts by product, region and customer. */
export function isBelowShared(name: string) {
  return sharedSuffixes.some(
    entry => entry.startsWith('*.') && name.endsWith(entry.slice(1)) && name !== entry.slice(2),
  )
}
