import type { IncomingMessage } from 'node:http'
import { WebError } from './errors.ts'

/** The names of this machine that the page can be opened by. */
const names = ['127.0.0.1', 'localhost']

/**
 * Refuses a request for another host or port, before its token is looked at: a website must not reach the page
 * through a name that it points at the loopback address (threat M3).
 */
export function checkHost({ rawHeaders }: IncomingMessage, port: number): void {
  const named = valuesOf(rawHeaders, 'host')
  const [host = ''] = named
  if (named.length !== 1 || !names.some(name => host === `${name}:${port}`)) {
    throw new WebError(403, `this is not the page's address: open http://${names[0]}:${port}`)
  }
}

/**
 * Refuses a request of another website or of another port of this machine. Browsers send `Origin` with each
 * websocket and with each request that changes something.
 *
 * @param required whether a request without an origin is refused
 */
export function checkOrigin({ rawHeaders }: IncomingMessage, { required }: { required: boolean }) {
  const [host = ''] = valuesOf(rawHeaders, 'host')
  const origins = valuesOf(rawHeaders, 'origin')
  const isOwn = origins.length === 1 && origins[0] === `http://${host}`
  if (isOwn || (origins.length === 0 && !required)) return
  throw new WebError(403, 'the request belongs to another website')
}

/** Reads raw headers: the parsed ones hide a second one. */
function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  )
}
