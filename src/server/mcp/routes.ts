import { createMcpHandler, isJsonContentType, isLegacyRequest } from '@modelcontextprotocol/server'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isRecord } from '../../base/json.ts'
import { notFound } from '../../tenants/http-error.ts'
import type { Caller } from '../../tenants/tokens.ts'
import type { ServerLimits } from '../limits.ts'
import { callerOf } from '../plugins/auth.ts'
import type { ReadJson } from '../plugins/json-body.ts'
import { exchangeOf, openExchange } from './exchange.ts'
import { respond } from './respond.ts'
import { rpcCodes, rpcError, rpcRefusal } from './rpc-error.ts'
import { createMcpServers, type McpParts } from './server.ts'
import { createMcpSessions } from './sessions.ts'

/** Maximum bytes of a message's id, which is kept until its answer. */
const idBytes = 256

/**
 * `/mcp` speaks MCP over streamable HTTP, in both generations: with `initialize` and a session (2024-11-05 to
 * 2025-11-25), and without state (2026-07-28). `/.well-known/` is an open 404: a client that gets 401 there
 * starts OAuth, and drops its token.
 */
export function serveMcp(app: FastifyInstance, parts: McpParts & { readJson: ReadJson }): void {
  const { limits, readJson } = parts
  const buildServer = createMcpServers(parts)
  const sessions = createMcpSessions({ limits, buildServer })
  const options = {
    legacy: 'reject',
    keepAliveMs: limits.keepAliveMilliseconds,
    maxSubscriptions: limits.connections,
  } as const
  const stateless = createMcpHandler(buildServer, options)
  // A tool can take longer than a client or a proxy waits for the first byte.
  const streamed = createMcpHandler(buildServer, { ...options, responseMode: 'sse' })
  const streams = createStreamCount(limits)
  app.addHook('preClose', async () => {
    sessions.close()
    await Promise.all([stateless.close(), streamed.close()])
  })

  app.route({
    method: ['GET', 'POST', 'DELETE'],
    url: '/mcp',
    config: { modes: ['mcp'] },
    exposeHeadRoute: false,
    async handler(request, reply) {
      const body = await bodyOf(request, readJson)
      if (body instanceof Response) {
        // What is left of a refused body would be read as the next request.
        if (!request.raw.complete) reply.header('connection', 'close')
        return respond(reply, body, limits)
      }
      const web = openExchange(request, reply, { isBatch: Array.isArray(body) })
      if (isStream(request, body) && !streams.take(web)) {
        const message = 'too many streams, close another'
        return respond(reply, rpcError(429, rpcCodes.server, message), limits)
      }
      const response = (await isLegacyRequest(web, body))
        ? await sessions.serve(web, body, ownerOf(callerOf(request)))
        : await (isToolCall(body) ? streamed : stateless).fetch(web, { parsedBody: body })
      return respond(reply, response, limits)
    },
  })

  for (const url of ['/.well-known/*', '/mcp/.well-known/*']) {
    app.all(url, { config: { modes: 'open' } }, async () => {
      throw notFound()
    })
  }
}

/** Returns the parsed message of a request, or the answer that refuses it. */
async function bodyOf(request: FastifyRequest, readJson: ReadJson): Promise<unknown> {
  if (request.method !== 'POST') return undefined
  if (!isJsonContentType(request.raw.headers['content-type'] ?? null)) {
    return rpcError(415, rpcCodes.server, 'Content-Type must be application/json')
  }
  const body = await readJson(request).catch(rpcRefusal)
  if (body === undefined) return rpcError(400, rpcCodes.parse, 'the body is empty')
  const hasLongId = [body].flat().some(message => {
    return isRecord(message) && typeof message.id === 'string' && message.id.length > idBytes
  })
  return hasLongId ? rpcError(400, rpcCodes.invalidRequest, 'an id is too long') : body
}

function isToolCall(body: unknown): boolean {
  return isRecord(body) && body.method === 'tools/call'
}

/** Returns whether the answer stays open for messages that have no request. */
function isStream({ method }: FastifyRequest, body: unknown): boolean {
  return method === 'GET' || (isRecord(body) && body.method === 'subscriptions/listen')
}

function ownerOf({ token, tenant }: Caller): string {
  return `${tenant.name}/${token.name}`
}

/** Counts the open streams of each token. */
function createStreamCount(limits: ServerLimits) {
  const open = new Map<string, number>()
  return {
    take(web: Request): boolean {
      const { caller, onceOver } = exchangeOf(web)
      const owner = ownerOf(caller)
      const count = open.get(owner) ?? 0
      if (count >= limits.streams) return false
      open.set(owner, count + 1)
      onceOver(() => open.set(owner, (open.get(owner) ?? 1) - 1))
      return true
    },
  }
}
