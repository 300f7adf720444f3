import Fastify, { type FastifyInstance } from 'fastify'
import { createTurns } from '../tenants/files/turns.ts'
import { HttpError } from '../tenants/http-error.ts'
import type { RunStarter } from '../tenants/run-starter.ts'
import type { ServerLog } from '../tenants/server-log.ts'
import type { Access } from '../tenants/tokens.ts'
import { serveDocs } from './api/docs.ts'
import { serveEvents } from './api/events.ts'
import { serveFiles } from './api/files.ts'
import { serveHealth } from './api/health.ts'
import { serveMetrics } from './api/metrics.ts'
import { serveRun } from './api/run.ts'
import { serveRunControl } from './api/run-control.ts'
import { serveStatus } from './api/status.ts'
import { serveUsage } from './api/usage.ts'
import { fileRoute } from './files/request-target.ts'
import { defaultServerLimits, type ServerLimits } from './limits.ts'
import { serveMcp } from './mcp/routes.ts'
import type { Metrics } from './metrics.ts'
import type { FetchImage } from './openai/image-fetch.ts'
import { createRemoteImages } from './openai/remote-images.ts'
import { serveOpenAi } from './openai/routes.ts'
import { createSideUsage } from './openai/side-usage.ts'
import { requireToken } from './plugins/auth.ts'
import { boundAnswers, boundConnections } from './plugins/connections.ts'
import { onEachRequest } from './plugins/each-request.ts'
import { answerErrors, refuseMalformed, sendError } from './plugins/errors.ts'
import { answerPages, checkHosts } from './plugins/hosts.ts'
import { createJsonReader } from './plugins/json-body.ts'
import { boundLargeAnswers } from './plugins/large-answers.ts'
import { boundRequests } from './plugins/open-requests.ts'
import { limitRates } from './plugins/rate.ts'
import { logRequests } from './plugins/request-log.ts'

export type ServerParts = {
  access: Access
  hosts: readonly string[]
  origins: readonly string[]
  starter: RunStarter
  /** Has a folder for each tenant. */
  workspacesFolder: string
  /** Refuses unknown members of a body. */
  strict: boolean
  /** Runs titles, tags and health checks of chat interfaces on the smallest model, without tools. */
  sideCalls?: boolean
  /** Fetches images that requests name; without it, only images in a request are taken. */
  fetchImage?: FetchImage
  /** Hours that a response can be gone on with. */
  resultHours?: number
  metrics: Metrics
  /** Has the gateway's counts in a folder for each tenant. */
  usageFolder: string
  limits?: Partial<ServerLimits>
  /** Maximum size of a stored file in bytes. */
  fileBytes: number
  now?: () => Date
  log: ServerLog
}

/**
 * Builds the server's HTTP application; does not listen yet. The order of the hooks is the order of the
 * checks: host, token, rate, and only then the route and its body.
 */
export async function buildApp(parts: ServerParts): Promise<FastifyInstance> {
  const { log, starter, metrics, usageFolder, now = () => new Date() } = parts
  const limits = { ...defaultServerLimits, ...parts.limits }
  const app: FastifyInstance = Fastify({
    logger: false,
    rewriteUrl: request => fileRoute(request.url ?? ''),
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    requestTimeout: limits.receiveMilliseconds,
    keepAliveTimeout: limits.idleMilliseconds,
    routerOptions: {
      // A redirect would name the host that the client sent.
      ignoreTrailingSlash: true,
      maxParamLength: 16 * 1024,
      // The last of several members with one name counts, as in claudebox.
      querystringParser: text => (text === '' ? {} : Object.fromEntries(new URLSearchParams(text))),
    },
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.receiveHeadersMilliseconds,
      connectionsCheckingInterval: Math.min(5_000, limits.receiveHeadersMilliseconds / 2),
      // A client that vanished is found, and its run cancelled.
      keepAlive: true,
      keepAliveInitialDelay: 30_000,
    },
    clientErrorHandler: (error, socket) => refuseMalformed(error, socket, log),
    // A malformed path has no route, and runs no hooks.
    frameworkErrors: (_error, request, reply) => {
      try {
        checkHost(request)
        checkToken(request)
        throw new HttpError(400, 'malformed path')
      } catch (error) {
        sendError(
          request,
          reply,
          error instanceof HttpError ? error : new HttpError(400, 'refused'),
        )
      }
    },
  })
  boundConnections(app.server, limits)
  // Bodies stay streams until a route reads them: uploads are never buffered, and JSON has its own bounds.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))

  answerErrors(app, log)
  logRequests(app, { log, onAnswer: metrics.answered })
  onEachRequest(app, (_request, reply) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    })
  })
  const checkHost = checkHosts(app, parts)
  answerPages(app, parts.origins)
  const checkToken = requireToken(app, parts.access)
  boundAnswers(app, limits)
  boundLargeAnswers(app, { access: parts.access, limits })
  boundRequests(app, { access: parts.access, limits })
  await limitRates(app, limits)

  serveHealth(app)
  const tenants = () => parts.access.tenants().length
  const routes = {
    ...parts,
    ...{ limits, tenants, turns: createTurns() },
    readJson: createJsonReader(limits, tenants),
  }
  serveRun(app, routes)
  serveRunControl(app, routes)
  serveEvents(app, routes)
  serveStatus(app, starter)
  const sideUsage = createSideUsage(now)
  const { sideCalls = true, resultHours = 6 } = parts
  serveUsage(app, { usageFolder, spentToday: starter.spentToday, sideCalls: sideUsage.of, now })
  serveMetrics(app, metrics)
  const images = createRemoteImages({ fetchImage: parts.fetchImage ?? null, tenants })
  serveOpenAi(app, { ...routes, now, sideCalls, sideUsage, resultHours, images })
  serveDocs(app)
  serveMcp(app, routes)
  await serveFiles(app, routes)
  return app
}
