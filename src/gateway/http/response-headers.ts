import type { IncomingHttpHeaders } from 'node:http'

const passed = new Set([
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
    if (passed.has(name) || name.startsWith('anthropic-')) result[name] = value
  }
  return result
}
