import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { EditedList } from '../../egress/list-entries.ts'

export type AllowOptions = {
  for?: string
  here?: boolean
  port?: string
  tls?: boolean
  private?: string
  server?: boolean
  grantable?: boolean
  /** The earlier name of `server`. */
  services?: boolean
  subdomains?: boolean
  force?: boolean
  dryRun?: boolean
  json?: boolean
}

/** Returns which list of squid.conf to edit. */
export function listOf({ server, services, grantable }: AllowOptions): EditedList {
  if (!server && !services) return grantable ? 'grantable_sites' : 'allowed_sites'
  if (!grantable) return 'server_sites'
  throw new UserError('--server and --grantable name two lists', {
    hint: 'edit one list at a time',
    exitCode: 2,
  })
}

/** Returns the port, TLS and range that the options name; refuses options that contradict each other. */
export async function parseTerms(names: readonly string[], options: AllowOptions) {
  const special = options.port !== undefined || options.private !== undefined
  const tls = options.tls ?? true
  const port = parsePort(options.port)
  const wrong = (what: string, hint: string) => new UserError(what, { hint, exitCode: 2 })
  if (!tls && port === 443) {
    throw wrong(
      '--no-tls needs --port with a port other than 443',
      'add --port, such as --port 8080',
    )
  }
  const list = listOf(options)
  const option = list === 'server_sites' ? '--server' : '--grantable'
  if (special && list !== 'allowed_sites') {
    throw wrong(`--port and --private are for the agent, not for ${option}`, `omit ${option}`)
  }
  if (options.here && list !== 'allowed_sites') {
    throw wrong(`--here is for the agent, not for ${option}`, `omit --here or ${option}`)
  }
  if (special && (options.subdomains || names.some(name => /^(@|\*?\.)/.test(name)))) {
    throw wrong('--port and --private open one name, not a preset or subdomains', 'name one host')
  }
  if (options.private === undefined) return { port, tls }
  const { parseRange } = await import('../../egress/private-range.ts')
  return { port, tls, range: parseRange(options.private) }
}

export function parsePort(text: string | undefined) {
  if (text === undefined) return 443
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535) return Number(text)
  throw new UserError(`--port ${terminalLine(text, 40)} is not a port`, {
    hint: 'use a number from 1 to 65535',
    exitCode: 2,
  })
}
