import { randomBytes } from 'node:crypto'

/** Headers of every answer. */
export const commonHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const

/**
 * Returns the policy of the page: scripts, styles and connections are this server's, and nothing comes from
 * elsewhere or goes there. Text of an agent that became markup could neither run nor load anything.
 *
 * @param nonce admits the style elements that xterm.js makes
 * @param host the page's own, which was checked: to some browsers 'self' has no websockets
 */
export function pagePolicy(nonce: string, host: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    `connect-src 'self' ws://${host}`,
    "img-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

export function createNonce(): string {
  return randomBytes(16).toString('base64')
}
