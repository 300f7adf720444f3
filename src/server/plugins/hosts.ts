import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpError } from '../http-error.ts'

const loopback = ['localhost', '127.0.0.1', '[::1]']

/**
 * Refuses a request whose Host or Origin is not on the list, before its token and its body are looked at:
 * a web page must not reach the server through a name that it points at the loopback address (threat M3).
 */
export function checkHosts(
  app: FastifyInstance,
  options: { hosts: readonly string[]; origins: readonly string[] },
): (request: FastifyRequest) => void {
  const hosts = new Set([...loopback, ...options.hosts])
  const origins = new Set(options.origins)

  const check = ({ raw }: FastifyRequest) => {
    const named = valuesOf(raw.rawHeaders, 'host')
    const [host = ''] = named
    if (named.length > 1 || !hosts.has(hostName(host))) throw new HttpError(403, 'host not allowed')
    for (const origin of valuesOf(raw.rawHeaders, 'origin')) {
      if (!origins.has(origin) && !isOwn(origin, host)) {
        throw new HttpError(403, 'origin not allowed')
      }
    }
  }
  app.addHook('onRequest', async request => check(request))
  return check
}

/** Returns the name of a Host header without its port. */
function hostName(host: string): string {
  return host.replace(/:\d{1,5}$/, '').toLowerCase()
}

/** Returns whether a page of this server itself sent the request. Its host is on the list already. */
function isOwn(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase() && origin !== 'null'
}

/** Reads raw headers: the parsed ones hide a second Host. */
function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  )
}
