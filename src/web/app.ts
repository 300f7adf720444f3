import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { bearerOf } from './access.ts'
import { serveActions } from './actions.ts'
import { answerErrors, describeError, WebError } from './errors.ts'
import { commonHeaders } from './headers.ts'
import { checkHost, checkOrigin } from './hosts.ts'
import { defaultWebLimits } from './limits.ts'
import { servePage } from './page-files.ts'
import { acceptSockets } from './sockets.ts'
import type { WebParts } from './web-parts.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Needs no token: the page itself, which holds nothing. */
    withoutToken?: boolean
  }
}

/**
 * Builds the page's server; does not listen yet. The order of the hooks is the order of the checks: host, origin,
 * token, and only then the route and its body.
 */
export async function buildWebApp(parts: WebParts): Promise<FastifyInstance> {
  const { access, port, page, sources } = parts
  const limits = { ...defaultWebLimits, ...parts.limits }
  const app: FastifyInstance = Fastify({
    // A log would have prompts and names of the user's work.
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    return503OnClosing: false,
    requestTimeout: 60_000,
    bodyLimit: limits.messageBytes,
    http: { maxHeaderSize: 16 * 1024, headersTimeout: 10_000 },
    // A malformed path has no route, and runs no hooks.
    frameworkErrors: (_error, request, reply) =>
      refuse(reply, () => check(request), parts.calledAs),
  })
  const check = (request: FastifyRequest) => {
    checkHost(request.raw, port())
    const reads = request.method === 'GET' || request.method === 'HEAD'
    checkOrigin(request.raw, { required: !reads })
    if (request.routeOptions.config?.withoutToken) return
    if (access.admits(bearerOf(request.headers.authorization))) return
    throw new WebError(401, 'open the address that web printed: it has the token')
  }
  app.server.maxConnections = limits.connections
  // A form of another website can send text without asking the browser first.
  app.removeContentTypeParser('text/plain')
  answerErrors(app, parts)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(commonHeaders)
    check(request)
  })
  servePage(app, page)
  serveActions(app, sources)
  acceptSockets(app, { ...parts, limits })
  return app
}

/** Answers a request that no route can have: with the refusal of a check, or of the request itself. */
function refuse(reply: FastifyReply, check: () => void, calledAs: string) {
  try {
    check()
    throw new WebError(400, 'malformed path')
  } catch (error) {
    const { status, body } = describeError(error, calledAs)
    reply.headers(commonHeaders).code(status).send(body)
  }
}
