import type { IncomingHttpHeaders } from 'node:http'
import type { Credential } from '../credential.ts'

/**
 * The only headers a caller can send to the origin. Everything else stays here: credentials,
 * cookies, what belongs to one connection, and what tells about this network.
 */
const passedUp = new Set([
  'accept',
  'accept-language',
  'content-length',
  'content-type',
  'user-agent',
  'x-app',
  'x-client-request-id',
])
const passedUpPrefixes = ['anthropic-', 'x-stainless-', 'x-claude-code-']

/** Without this beta the origin does not take an OAuth token for the Messages API. */
const oauthBeta = 'oauth-2025-04-20'

/** The headers for the origin: the caller's, as far as they pass, with the real credential. */
export function upstreamHeaders(
  rawHeaders: readonly string[],
  credential: Credential,
): Record<string, string> {
  // What comes compressed cannot be counted as it passes.
  const headers = new Map([['accept-encoding', 'identity']])
  const nominated = connectionHeaders(rawHeaders)
  for (const [name, value] of pairs(rawHeaders)) {
    if (!isPassed(name) || nominated.has(name)) continue
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  if (credential.kind === 'oauth-token') {
    headers.set('anthropic-beta', withOauthBeta(headers.get('anthropic-beta')))
    headers.set('authorization', `Bearer ${credential.secret}`)
  } else {
    headers.set('x-api-key', credential.secret)
  }
  return Object.fromEntries(headers)
}

function isPassed(name: string): boolean {
  return passedUp.has(name) || passedUpPrefixes.some(prefix => name.startsWith(prefix))
}

/** Names that the caller's `Connection` header declares to be for this connection only. */
function connectionHeaders(rawHeaders: readonly string[]): Set<string> {
  const values = pairs(rawHeaders).filter(([name]) => name === 'connection')
  return new Set(values.flatMap(([, value]) => value.toLowerCase().split(/\s*,\s*/)))
}

function pairs(rawHeaders: readonly string[]): [name: string, value: string][] {
  return rawHeaders.flatMap((name, i): [string, string][] =>
    i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1] ?? '']] : [],
  )
}

function withOauthBeta(betas: string | undefined): string {
  const list = (betas ?? '').split(',').map(beta => beta.trim())
  return [...list.filter(beta => beta && beta !== oauthBeta), oauthBeta].join(',')
}

const passedDown = new Set([
  'cache-control',
  'content-encoding',
  'content-length',
  'content-type',
  'date',
  'request-id',
  'retry-after',
  'retry-after-ms',
  'x-should-retry',
])

/**
 * What of the origin's response headers reaches the caller: what describes the content, and what
 * Anthropic's clients act on. No cookies, no redirect target, nothing of the connection.
 */
export function callerHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    if (passedDown.has(name) || name.startsWith('anthropic-')) result[name] = value
  }
  return result
}
