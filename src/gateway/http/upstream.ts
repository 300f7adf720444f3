import type { Readable } from 'node:stream'
import { Agent, type Dispatcher, Pool, ProxyAgent } from 'undici'
import type { Limits } from './limits.ts'

export interface UpstreamRequest {
  /** Path and query, as one of our own routes. */
  path: string
  headers: Record<string, string>
  body: Readable
  signal: AbortSignal
}

/** The origin that answers, reached through the proxy. */
export interface Upstream {
  readonly origin: string
  /** Empty when the origin is reached without one. */
  readonly proxy: string
  /** Resolves with the response headers; the body streams. Redirects are answers like any other. */
  post(request: UpstreamRequest): Promise<Dispatcher.ResponseData>
  close(): Promise<void>
}

export function createUpstream(options: {
  origin: string
  proxy: string
  limits: Limits
}): Upstream {
  const { origin, proxy, limits } = options
  const dispatcher = proxy ? tunnel(origin, proxy, limits) : direct(limits)
  return {
    origin,
    proxy,
    post: ({ path, headers, body, signal }) =>
      dispatcher.request({ origin, path, method: 'POST', headers, body, signal }),
    close: () => dispatcher.destroy(),
  }
}

function waits(limits: Limits) {
  return {
    headersTimeout: limits.headersMilliseconds,
    bodyTimeout: limits.idleMilliseconds,
    // A tunnel and its TLS session cost three round trips: keep them between two prompts.
    keepAliveTimeout: 60_000,
  }
}

function direct(limits: Limits) {
  return new Agent({ ...waits(limits), connect: { timeout: limits.connectMilliseconds } })
}

/** CONNECT through the proxy, TLS to the origin itself inside: the proxy sees no credential. */
function tunnel(origin: string, proxy: string, limits: Limits) {
  return new ProxyAgent({
    ...waits(limits),
    uri: proxy,
    proxyTls: { timeout: limits.connectMilliseconds },
    requestTls: { timeout: limits.connectMilliseconds, servername: new URL(origin).hostname },
    // The timeout of the answer to CONNECT, which undici would otherwise wait five minutes for.
    clientFactory: (url, pool) =>
      new Pool(url, { ...pool, headersTimeout: limits.connectMilliseconds }),
  })
}
