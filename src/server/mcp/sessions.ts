import { randomUUID } from 'node:crypto'
import {
  isInitializeRequest,
  type McpServer,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { isRecord } from '../../base/json.ts'
import type { ServerLimits } from '../limits.ts'
import { exchangeOf } from './exchange.ts'
import { rpcCodes, rpcError } from './rpc-error.ts'

type Session = {
  owner: string
  transport: WebStandardStreamableHTTPServerTransport
  server: McpServer
  /** Number of requests in progress. */
  open: number
  cancelled: number
  usedAt: number
}

const sweepMilliseconds = 60_000

/**
 * The sessions of clients that speak a protocol with `initialize` (2024-11-05 to 2025-11-25). A session
 * belongs to the token that opened it: for any other it does not exist.
 */
export function createMcpSessions(options: {
  limits: ServerLimits
  buildServer: () => McpServer
  now?: () => number
}) {
  const { limits, buildServer, now = () => performance.now() } = options
  const sessions = new Map<string, Session>()
  const timer = setInterval(sweep, sweepMilliseconds)
  timer.unref()

  function sweep() {
    const oldest = now() - limits.mcpSessionMilliseconds
    for (const [id, { open, usedAt }] of sessions) if (open === 0 && usedAt < oldest) end(id)
  }

  function end(id: string) {
    const session = sessions.get(id)
    if (!session) return
    sessions.delete(id)
    // Aborts its calls and ends its streams.
    void session.server.close().catch(() => {})
  }

  /** Makes room for one more session of a token; false when all that it has are in use. */
  function makeRoom(owner: string): boolean {
    const own = [...sessions].filter(([, session]) => session.owner === owner)
    if (own.length < limits.mcpSessions) return true
    const [oldest] = own
      .filter(([, { open }]) => open === 0)
      .sort(([, one], [, other]) => one.usedAt - other.usedAt)
    if (oldest) end(oldest[0])
    return oldest !== undefined
  }

  async function open(request: Request, body: unknown, owner: string): Promise<Response> {
    if (JSON.stringify(body).length > limits.mcpInitializeBytes) {
      return rpcError(413, rpcCodes.invalidRequest, 'the initialize request is too large')
    }
    if (!makeRoom(owner)) {
      const message = `all ${limits.mcpSessions} sessions of this token are in use, close another`
      return rpcError(429, rpcCodes.server, message, { 'retry-after': '5' })
    }
    const server = buildServer()
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      keepAliveMs: limits.keepAliveMilliseconds,
      onsessioninitialized: id => {
        sessions.set(id, { owner, transport, server, open: 0, cancelled: 0, usedAt: now() })
      },
      onsessionclosed: id => void sessions.delete(id),
    })
    await server.connect(transport)
    const response = await transport.handleRequest(request, { parsedBody: body })
    const session = sessions.get(transport.sessionId ?? '')
    if (session) hold(session, request)
    else await server.close()
    return response
  }

  /** Counts a request until its answer is over. */
  function hold(session: Session, request: Request) {
    session.open++
    exchangeOf(request).onceOver(() => {
      session.open--
      session.usedAt = now()
    })
  }

  return {
    /** Answers a request of a client of this generation. */
    async serve(request: Request, body: unknown, owner: string): Promise<Response> {
      const id = request.headers.get('mcp-session-id')
      if (id === null && isInitializeRequest(body)) return open(request, body, owner)
      if (id === null) {
        const message = 'Mcp-Session-Id required: send initialize first'
        return rpcError(400, rpcCodes.server, message)
      }
      const session = sessions.get(id)
      if (session?.owner !== owner) return notFound()
      session.cancelled += [body].flat().filter(isCancel).length
      if (session.cancelled > limits.mcpCancelled && session.open === 0) {
        end(id)
        return notFound()
      }
      session.usedAt = now()
      hold(session, request)
      return session.transport.handleRequest(request, { parsedBody: body })
    },
    /** Number of sessions of all tokens. */
    count: () => sessions.size,
    sweep,
    close() {
      clearInterval(timer)
      for (const id of [...sessions.keys()]) end(id)
    },
  }
}

function isCancel(message: unknown): boolean {
  return isRecord(message) && message.method === 'notifications/cancelled'
}

/** The status by which a client knows that it has to open another session. */
function notFound() {
  return rpcError(404, rpcCodes.sessionNotFound, 'Session not found')
}
