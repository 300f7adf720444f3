import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { expiryOf, isOver } from './list-entries.ts'
import { isGrantableRange } from './private-range.ts'

/**
 * An entry of a grants file: what the lists of squid.conf cannot say. There is one file for the checkout and one for
 * each folder; proxy/grants compiles both to Squid's rules and accepts exactly what `parseGrants` accepts.
 */
export type Grant = {
  /** As in a list. A leading dot admits every name below it, on port 443 and without a range only. */
  name: string
  port: number
  /** Whether the name in the TLS ClientHello must be this one; always so on port 443. */
  tls: boolean
  /** A private IPv4 network that the name may resolve to, such as `10.2.0.0/16`. */
  range?: string
  /** When it expires: UTC, such as `2026-11-21T18:00:00Z`. */
  until?: string
}

export type GrantLine = Grant & { line: number }

/** Entries in one file: Squid reads each of them for each request. */
export const grantLimit = 100

const httpsPort = 443

/** Returns whether the entry is only a name, as the lists of squid.conf have. */
export function isPlain({ port, range }: Pick<Grant, 'port' | 'range'>): boolean {
  return port === httpsPort && range === undefined
}

/** Parses a grants file. Throws for a line that it does not understand: an unreadable grant is not a missing one. */
export function parseGrants(text: string, path: string, now = new Date()): GrantLine[] {
  const grants: GrantLine[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.replace(/\r$/, '')
    if (/^[ \t]*(#|$)/.test(line)) continue
    const grant = parseLine(line)
    if (typeof grant === 'string') throw grantError(path, index + 1, line, grant)
    const isActive = ({ until }: Grant) => !isOver(until, now)
    const differs = ({ name, port, tls }: Grant) =>
      name === grant.name && port === grant.port && tls !== grant.tls
    if (isActive(grant) && grants.filter(isActive).some(differs)) {
      throw grantError(path, index + 1, line, 'the port is granted with TLS and without')
    }
    grants.push({ ...grant, line: index + 1 })
    if (grants.length > grantLimit) {
      throw grantError(path, index + 1, line, `a file holds at most ${grantLimit} entries`)
    }
  }
  return grants
}

const form = 'write: allow NAME [port N] [no-tls] [private RANGE] [until TIME]'

/** Returns the entry of a line, or the reason why it is not one. */
function parseLine(line: string): Grant | string {
  // Blanks as awk splits them: the proxy refuses every other kind of space.
  const words = line.replace(/^[ \t]+|[ \t]+$/g, '').split(/[ \t]+/)
  const take = (word: string) => (words[0] === word ? (words.splice(0, 2)[1] ?? '') : undefined)
  const name = take('allow') ?? ''
  // As `dns_name` of squid.conf.
  if (name.length > 254 || !/^\.?([a-z0-9_-]+\.)+[a-z][a-z0-9-]*$/.test(name)) {
    return 'it does not allow a host name'
  }
  const port = take('port')
  if (port !== undefined && !isPort(port)) return 'the port is not a number up to 65535'
  const tls = words[0] !== 'no-tls'
  if (!tls) words.shift()
  const range = take('private')
  if (range !== undefined && !isGrantableRange(range)) return 'no grant can open this range'
  const until = take('until')
  if (until !== undefined && !expiryOf(`x # until ${until}`)) return '`until` needs a time'
  if (words.length > 0) return 'a word is unknown or out of order'
  const grant = {
    name,
    port: port === undefined ? httpsPort : Number(port),
    tls,
    ...(range && { range }),
    ...(until && { until }),
  }
  if (!tls && grant.port === httpsPort) return 'port 443 is always TLS'
  if (name.startsWith('.') && !isPlain(grant)) return 'a port or a range is for one name'
  return grant
}

function isPort(text: string) {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535
}

/** Renders an entry as a line of a grants file. */
export function renderGrant({ name, port, tls, range, until }: Grant): string {
  return [
    `allow ${name}`,
    ...(port === httpsPort ? [] : [`port ${port}`]),
    ...(tls ? [] : ['no-tls']),
    ...(range ? [`private ${range}`] : []),
    ...(until ? [`until ${until}`] : []),
  ].join(' ')
}

/** Renders what an entry opens besides the name: `:8443`, and the words in brackets. */
export function describeGrant({ name, port, tls, range }: Omit<Grant, 'until'>) {
  return {
    target: port === httpsPort ? name : `${name}:${port}`,
    terms: [...(tls ? [] : ['no TLS']), ...(range ? [`private ${range}`] : [])],
  }
}

function grantError(path: string, line: number, text: string, reason: string) {
  const shown = terminalLine(text.trim(), 100)
  return new UserError(`${terminalLine(path)} line ${line}: ${reason}: ${shown}`, { hint: form })
}
