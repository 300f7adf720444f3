import type { FastifyInstance, FastifyRequest } from 'fastify'
import { HttpError } from '../../tenants/http-error.ts'
import { onEachRequest } from './each-request.ts'

/** What the API, MCP and the official libraries of OpenAI and Anthropic send from a page. */
const allowedHeaders = [
  ...['authorization', 'content-type', 'idempotency-key', 'if-match', 'if-none-match'],
  ...['last-event-id', 'prefer', 'range'],
  ...['mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id'],
  ...['x-claude-append-system-prompt', 'x-claude-continue', 'x-claude-workspace'],
  'x-openwebui-chat-id',
  ...['anthropic-beta', 'anthropic-dangerous-direct-browser-access', 'anthropic-version'],
  ...['openai-organization', 'openai-project', 'x-api-key'],
  ...['arch', 'helper-method', 'lang', 'os', 'package-version', 'retry-count', 'runtime']
    .concat(['runtime-version', 'timeout'])
    .map(name => `x-stainless-${name}`),
].join(', ')

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
    if (named.length > 1 || !hosts.has(hostName(host))) {
      throw new HttpError(403, 'host not allowed: list its name in SERVER_ALLOWED_HOSTS')
    }
    for (const origin of valuesOf(raw.rawHeaders, 'origin')) {
      if (!origins.has(origin) && !isOwn(origin, host)) {
        throw new HttpError(403, 'origin not allowed: list it in SERVER_ALLOWED_ORIGINS')
      }
    }
  }
  onEachRequest(app, check)
  return check
}

/**
 * Lets pages of the listed origins read answers, and answers their preflights, which browsers send without
 * a token.
 */
export function answerPages(app: FastifyInstance, origins: readonly string[]) {
  const listed = new Set(origins)
  app.addHook('onRequest', (request, reply, done) => {
    const { origin, 'access-control-request-method': asked } = request.raw.headers
    if (origin === undefined || !listed.has(origin)) return done()
    reply.headers({
      vary: 'origin',
      'access-control-allow-origin': origin,
      'access-control-expose-headers':
        'etag, mcp-session-id, retry-after, x-claude-run-id, x-ignored-fields, x-should-retry',
    })
    if (request.method !== 'OPTIONS' || asked === undefined) return done()
    // The answer: no further hook is called.
    reply
      .code(204)
      .headers({
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, DELETE',
        'access-control-allow-headers': allowedHeaders,
        'access-control-max-age': '600',
      })
      .send()
  })
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
