import { type IncomingMessage, request } from 'node:http'
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { Agent, type Dispatcher, Pool, ProxyAgent } from 'undici'
import { command } from '../../base/command.ts'
import { ApiError } from '../api-error.ts'
import type { Limits } from './limits.ts'

/** The page by which our proxy says why it refused a CONNECT, as in proxy/errors. */
export type RefusalReason = 'NAME' | 'ADDRESS' | 'UNRESOLVED' | 'LOAD' | 'FORM' | 'CALLER' | 'SNI'

const reasons = /\bREFUSED_(NAME|ADDRESS|UNRESOLVED|LOAD|FORM|CALLER|SNI)\b/

/**
 * Asks the proxy once more for a refused name, and returns the reason that its answer states; null when
 * it states none. undici reports the status of a refused CONNECT and nothing else of its answer.
 */
export function refusalReason(
  proxy: string,
  origin: string,
  timeoutMilliseconds = 5_000,
): Promise<RefusalReason | null> {
  const { hostname, port } = new URL(proxy)
  const target = new URL(origin)
  const authority = `${target.hostname}:${target.port || (target.protocol === 'https:' ? 443 : 80)}`
  return new Promise(resolve => {
    const asked = request({
      host: hostname,
      port: port || 80,
      method: 'CONNECT',
      path: authority,
      headers: { host: authority },
      agent: false,
      signal: AbortSignal.timeout(timeoutMilliseconds),
    })
    asked.once('connect', ({ headers, statusCode }: IncomingMessage, socket: Socket) => {
      socket.on('error', () => {})
      socket.destroy()
      const found = reasons.exec(String(headers['x-squid-error'] ?? ''))?.[1]
      resolve(statusCode === 200 ? null : ((found as RefusalReason | undefined) ?? null))
    })
    asked.once('response', answer => {
      answer.destroy()
      resolve(null)
    })
    asked.once('error', () => resolve(null))
    asked.end()
  })
}

export interface UpstreamRequest {
  /** Path and query of one of the gateway's routes. */
  path: string
  headers: Record<string, string>
  body: Readable | Buffer | string
  signal: AbortSignal
}

/** The origin, reached through the proxy. */
export interface Upstream {
  readonly origin: string
  /** Empty when the origin is reached without a proxy. */
  readonly proxy: string
  /** Resolves with the response headers; the body streams. Does not follow redirects. */
  post(request: UpstreamRequest): Promise<Dispatcher.ResponseData>
  /** Like `post`, for a request without a body. */
  get(request: Omit<UpstreamRequest, 'body'>): Promise<Dispatcher.ResponseData>
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
    get: ({ path, headers, signal }) =>
      dispatcher.request({ origin, path, method: 'GET', headers, signal }),
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

/**
 * Opens a CONNECT tunnel through the proxy with TLS to the origin inside: the proxy sees no
 * credential.
 */
function tunnel(origin: string, proxy: string, limits: Limits) {
  return new ProxyAgent({
    ...waits(limits),
    uri: proxy,
    proxyTls: { timeout: limits.connectMilliseconds },
    requestTls: { timeout: limits.connectMilliseconds, servername: new URL(origin).hostname },
    // Sets the timeout of the answer to CONNECT, for which undici would otherwise wait five minutes.
    clientFactory: (url, pool) =>
      new Pool(url, { ...pool, headersTimeout: limits.connectMilliseconds }),
  })
}

const certificateCodes =
  /^(SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|CERT_|ERR_TLS_CERT|UND_ERR_PRX_TLS)/
const absentCodes = /^(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH)$/
const timeoutCodes = /^(UND_ERR_CONNECT_TIMEOUT|ETIMEDOUT)$/

/**
 * Builds the error for a request without an answer from the origin: the failure, and the next step on
 * the host. Uses the error's code alone, never its text, which may quote a request.
 */
export function upstreamFailure(
  error: unknown,
  upstream: Pick<Upstream, 'origin' | 'proxy'>,
  reason: RefusalReason | null = null,
): ApiError {
  const code = errorCode(error)
  const host = new URL(upstream.origin).host
  const failure = (text: string, retry: boolean) =>
    new ApiError(502, 'api_error', `claude-secure: ${text}`, { retry, cause: error })

  const refused = proxyStatus(error)
  if (refused !== undefined) {
    return failure(
      refusalText(host, refused, reason),
      refused >= 500 || reason === 'UNRESOLVED' || reason === 'LOAD',
    )
  }
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new ApiError(504, 'timeout_error', `claude-secure: ${host} did not answer in time.`, {
      retry: true,
      cause: error,
    })
  }
  if (certificateCodes.test(code)) {
    return failure(
      `the certificate of ${host} cannot be verified (${code}). On the host: if your network inspects TLS, set EXTRA_CA_CERTS in .env to its CA file and run ${command('start')}; otherwise run ${command('logs proxy')}.`,
      false,
    )
  }
  if (absentCodes.test(code)) {
    return failure(
      upstream.proxy
        ? `the egress proxy ${new URL(upstream.proxy).host} does not answer (${code}). On the host: run ${command('status')}, then ${command('start')}.`
        : `${host} does not answer (${code}). On the host: run ${command('status')}.`,
      true,
    )
  }
  if (timeoutCodes.test(code)) {
    return failure(
      `the connection to ${host} timed out (${code}). On the host: check the network, then run ${command('logs proxy')}.`,
      true,
    )
  }
  return failure(
    `the connection to ${host} broke before it answered (${code}). On the host: run ${command('logs proxy')}.`,
    true,
  )
}

function refusalText(host: string, status: number, reason: RefusalReason | null): string {
  switch (reason) {
    case 'UNRESOLVED':
      return `the name ${host} does not resolve. On the host: check the network and its DNS; PROXY_DNS in .env sets another DNS server.`
    case 'ADDRESS':
      return `${host} resolves to a private or reserved address, which the egress proxy refuses. On the host: check its DNS; UPSTREAM_PRIVATE in .env opens a company's private network to its gateway; or run ${command('logs proxy')}.`
    case 'LOAD':
      return `the egress proxy has too many connections. On the host: run ${command('logs proxy')}.`
    case 'NAME':
      return `the egress proxy does not list ${host} (${status}). On the host: add it to gateway_sites in proxy/squid.conf.`
    default:
      return `the egress proxy refused ${host} (${status}). On the host: check gateway_sites in proxy/squid.conf, then run ${command('logs proxy')}.`
  }
}

/** Returns the error for a failed request, after asking the proxy for its reason if it refused. */
export async function explainFailure(
  error: unknown,
  upstream: Pick<Upstream, 'origin' | 'proxy'>,
): Promise<ApiError> {
  const refused = upstream.proxy !== '' && proxyStatus(error) !== undefined
  const reason = refused ? await refusalReason(upstream.proxy, upstream.origin) : null
  return upstreamFailure(error, upstream, reason)
}

/** Returns the proxy's status when it refused CONNECT, which undici reports in the message only. */
function proxyStatus(error: unknown): number | undefined {
  const match = error instanceof Error && /^Proxy response \((\d{3})\)/.exec(error.message)
  return match ? Number(match[1]) : undefined
}

function errorCode(error: unknown): string {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; depth++) {
    if ('code' in cause && typeof cause.code === 'string' && cause.code !== 'UND_ERR') {
      return cause.code
    }
    if (cause instanceof AggregateError && cause.errors[0]) cause = cause.errors[0]
    else cause = cause.cause
  }
  return 'no reason given'
}
