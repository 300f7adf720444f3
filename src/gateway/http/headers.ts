import type { IncomingHttpHeaders } from 'node:http'
import type { Credential } from '../credential.ts'

/**
 * The only headers that a caller can send to the origin. The gateway drops everything else:
 * credentials, cookies, hop-by-hop headers, and headers that reveal this network.
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

/** Without this beta the origin rejects an OAuth token on the Messages API. */
const oauthBeta = 'oauth-2025-04-20'

/** Builds the headers for the origin: the caller's allowed headers and the real credential. */
export function upstreamHeaders(
  rawHeaders: readonly string[],
  credential: Credential,
): Record<string, string> {
  // A compressed answer cannot be counted as it passes.
  const headers = new Map([['accept-encoding', 'identity']])
  const nominated = connectionHeaders(rawHeaders)
  for (const [name, value] of pairs(rawHeaders)) {
    if (!isPassed(name) || nominated.has(name)) continue
    const earlier = headers.get(name)
    headers.set(name, earlier === undefined ? value : `${earlier}, ${value}`)
  }
  switch (credential.kind) {
    case 'oauth-token':
      headers.set('anthropic-beta', withOauthBeta(headers.get('anthropic-beta')))
      headers.set('authorization', `Bearer ${credential.secret}`)
      break
    case 'bearer':
      headers.set('authorization', `Bearer ${credential.secret}`)
      break
    case 'api-key':
      headers.set('x-api-key', credential.secret)
      break
    default:
      // A signing key must never be sent, not even to a service that expects another credential.
      throw new Error(`a credential of kind ${credential.kind} cannot be a header`)
  }
  return Object.fromEntries(headers)
}

function isPassed(name: string): boolean {
  return passedUp.has(name) || passedUpPrefixes.some(prefix => name.startsWith(prefix))
}

/** Returns the header names that the caller's `Connection` header declares as hop-by-hop. */
function connectionHeaders(rawHeaders: readonly string[]): Set<string> {
  const values = pairs(rawHeaders).filter(([name]) => name === 'connection')
  return new Set(values.flatMap(([, value]) => value.toLowerCase().split(/\s*,\s*/)))
}

function pairs(rawHeaders: readonly string[]): [name: string, value: string][] {
  return rawHeaders.flatMap((name, i): [string, string][] =>
    i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1] ?? '']] : [],
  )
}

/** Returns all values of a header: a parsed set of headers would hide a second one. */
export function headerValues(rawHeaders: readonly string[], name: string): string[] {
  return pairs(rawHeaders).flatMap(([other, value]) => (other === name ? [value] : []))
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
 * Picks the response headers that reach the caller: those that describe the content, and those that
 * Anthropic's clients act on. Drops cookies, redirect targets and hop-by-hop headers.
 */
export function callerHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const result: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined) continue
    if (passedDown.has(name) || name.startsWith('anthropic-')) result[name] = value
  }
  return result
}
