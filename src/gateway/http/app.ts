import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { command, renderCommands } from '../../base/command.ts'
import { messageOf, UserError } from '../../base/errors.ts'
import { ApiError, apiErrorHeaders, renderApiError } from '../api-error.ts'
import type { Books } from '../counting/books.ts'
import { originOf } from '../counting/origin.ts'
import { announcer, meterOf, readAnnouncement } from '../counting/run-names.ts'
import { type Credential, type CredentialSource, callersOf } from '../credential.ts'
import type { Exchange, GatewayLog, Outcome } from '../gateway-log.ts'
import type { GitBroker } from '../git/broker.ts'
import { type GitTarget, gitTarget } from '../git/git-target.ts'
import type { ModelRequest, Provider } from '../provider/provider.ts'
import { identifyCaller } from './caller.ts'
import type { Limits } from './limits.ts'
import { refuseMalformed } from './malformed.ts'
import { notServed, overloaded } from './refusals.ts'
import { relay } from './relay.ts'
import { modelRoute } from './routes.ts'
import { createShares } from './shares.ts'
import { type IsFromTenant, refuseOtherNetwork } from './tenant-network.ts'

export interface GatewayOptions {
  credentials: CredentialSource
  provider: Provider
  books: Books
  /** Serves the repositories that the credential's file lists. */
  git: GitBroker
  limits: Limits
  log: GatewayLog
  /** Tells whether an address is on the network of a tenant. Asked only about callers with a tenant. */
  isFromTenant: IsFromTenant
  /** Renders the marked commands of messages as the user types them. */
  named?: (text: string) => string
}

/**
 * Builds the model gateway: it accepts the stack's placeholder, sends the real credential, serves only
 * the model routes and git's, and counts the usage of the model. Does not listen yet; `close()` also closes the connections
 * to the origin and writes the counted usage.
 */
export function buildGateway(options: GatewayOptions) {
  const { credentials, provider, books, git, limits, log, isFromTenant } = options
  const named = options.named ?? (text => renderCommands(text, words => `./claude.ts ${words}`))
  const app: FastifyInstance = Fastify({
    logger: false,
    exposeHeadRoutes: false,
    forceCloseConnections: 'idle',
    requestTimeout: limits.receiveMilliseconds,
    // Frees the slot of a caller that stopped reading.
    connectionTimeout: limits.idleMilliseconds + 60_000,
    http: {
      maxHeaderSize: limits.headerBytes,
      headersTimeout: limits.receiveHeadersMilliseconds,
      connectionsCheckingInterval: Math.min(5_000, limits.receiveHeadersMilliseconds / 2),
    },
    clientErrorHandler: (error, socket) => refuseMalformed(error, socket, log),
    frameworkErrors: (error, _request, reply) => {
      log({ kind: 'malformed', reason: error.code })
      sendError(reply, notServed())
    },
  })
  app.server.maxConnections = limits.connections
  /** Number of callers in the credential that was read last. */
  let callers = 1
  async function currentCredential() {
    const credential = await usableCredential(credentials)
    callers = callersOf(credential).length
    return credential
  }
  const connections = createShares(limits.connections)
  app.server.on('connection', (socket: Socket) => {
    // Each tenant's worker has an address of its own.
    const address = socket.remoteAddress ?? ''
    if (!connections.take(address, callers)) return void socket.destroy()
    socket.once('close', () => connections.free(address))
  })
  app.addHook('onClose', async () => {
    await Promise.all([provider.close(), git.close()])
    await books.close()
  })

  // Bodies stay streams: nothing is parsed, buffered or limited to JSON here.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))

  const exchanges = new WeakMap<FastifyRequest['raw'], Exchange>()
  const reasons = new WeakMap<FastifyReply, string>()
  app.addHook('onRequest', async (request, reply) => {
    const started = performance.now()
    const exchange: Exchange = {}
    exchanges.set(request.raw, exchange)
    const { method = '', url = '' } = request.raw
    const route = modelRoute(method, url) ?? gitTarget(method, url)?.service
    reply.raw.once('close', () => {
      // The healthcheck runs every few seconds; do not log its success.
      if (route === 'health' && reply.raw.statusCode === 200) return
      log({
        kind: 'request',
        method,
        route: route ?? 'none',
        status: reply.raw.statusCode,
        outcome: exchange.broken ?? outcomeOf(reply, exchange.refused ?? reasons.get(reply)),
        requestBytes: exchange.request?.bytes ?? 0,
        responseBytes: exchange.answer?.bytes ?? 0,
        milliseconds: Math.round(performance.now() - started),
        tenant: exchange.tenant,
        model: exchange.model,
        repository: exchange.repository,
        reason: exchange.refused ?? reasons.get(reply),
      })
    })
    if (!route) throw notServed()
  })

  app.setNotFoundHandler(() => {
    throw notServed()
  })
  app.setErrorHandler((error, _request, reply) => {
    const answer = asApiError(error, log)
    const message = named(answer.message)
    reasons.set(reply, message)
    return sendError(reply, answer, message)
  })

  // Healthy means able to serve: a gateway without its credential is not.
  app.head('/', async (request, reply) => {
    const credential = await currentCredential()
    await announce(request.raw, credential, options)
    return reply.code(200).send()
  })

  const requests = createShares(limits.concurrentRequests)
  async function serve(request: FastifyRequest, reply: FastifyReply, route: ModelRequest['route']) {
    // Counting tokens is free.
    const costs = route === 'messages'
    const credential = await currentCredential()
    const { rawHeaders } = request.raw
    const identity = identifyCaller(rawHeaders, credential)
    await refuseOtherNetwork(isFromTenant, identity.caller, request.raw.socket.remoteAddress)
    const { tenant } = identity.caller
    const exchange = exchanges.get(request.raw) ?? {}
    if (tenant !== null) exchange.tenant = tenant
    const { accounting, names } = await books.of(identity.caller)
    const origin = originOf(rawHeaders, names.of(meterOf(rawHeaders, identity)))
    if (costs) accounting.admit()
    if (!requests.take(tenant ?? '', callers)) throw overloaded(limits.concurrentRequests, callers)
    try {
      await relay({
        request: request.raw,
        response: reply.raw,
        route,
        credential,
        provider,
        bodyBytes: limits.bodyBytes,
        exchange,
        account: costs ? accounting.begin(origin, exchange) : undefined,
      })
      reply.hijack()
    } finally {
      requests.free(tenant ?? '')
    }
  }
  // Apart from prompts, which a long clone must not hold up.
  const gits = createShares(limits.concurrentGit)
  async function serveGit(request: FastifyRequest, reply: FastifyReply, target: GitTarget) {
    const credential = await currentCredential()
    const { caller } = identifyCaller(request.raw.rawHeaders, credential)
    const { git: access } = credential
    if (!access || caller.tenant !== null) throw notServed()
    const exchange = exchanges.get(request.raw) ?? {}
    if (!gits.take('', 1)) throw overloaded(limits.concurrentGit, 1)
    try {
      const { raw: response } = reply
      await git.serve({ request: request.raw, response, target, access, exchange })
      reply.hijack()
    } finally {
      gits.free('')
    }
  }
  app.all('/git/*', (request, reply) => {
    const target = gitTarget(request.method, request.raw.url ?? '')
    if (!target) throw notServed()
    return serveGit(request, reply, target)
  })
  app.post('/v1/messages', (request, reply) => serve(request, reply, 'messages'))
  app.post('/v1/messages/count_tokens', (request, reply) => serve(request, reply, 'count-tokens'))

  return app
}

/** Records the run that a HEAD / announces, if any, and refuses one that proves nothing. */
async function announce(
  { rawHeaders, socket }: IncomingMessage,
  credential: Credential,
  { books, isFromTenant }: GatewayOptions,
) {
  const announcement = readAnnouncement(rawHeaders)
  if (announcement === null) return
  const caller = announcer(announcement, callersOf(credential))
  if (caller) await refuseOtherNetwork(isFromTenant, caller, socket.remoteAddress)
  if (caller && (await books.of(caller)).names.take(announcement)) return
  throw new ApiError(403, 'permission_error', 'claude-secure: this announces no run of a caller.')
}

async function usableCredential(credentials: CredentialSource) {
  try {
    return await credentials.read()
  } catch (error) {
    const text = error instanceof UserError ? `${error.message}. ${error.hint}` : 'no credential'
    throw new ApiError(503, 'api_error', `claude-secure: ${text}.`, { cause: error })
  }
}

/** Hides unexpected errors from the caller: they go to the log. */
function asApiError(error: unknown, log: GatewayLog): ApiError {
  if (error instanceof ApiError) return error
  log({ kind: 'error', message: messageOf(error) })
  return new ApiError(
    500,
    'api_error',
    `claude-secure: internal error of the gateway. On the host: run ${command('logs gateway')}.`,
    { cause: error },
  )
}

function sendError(reply: FastifyReply, error: ApiError, message = error.message) {
  return reply
    .code(error.status)
    .headers(apiErrorHeaders(error))
    .send(renderApiError(error.type, message))
}

function outcomeOf(reply: FastifyReply, reason: string | undefined): Outcome {
  if (!reply.raw.writableFinished) return 'client-gone'
  return reason === undefined ? 'answered' : 'refused'
}
