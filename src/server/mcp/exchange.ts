import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '../../tenants/tokens.ts'
import { whenOver } from '../plugins/answer-over.ts'
import { callerOf } from '../plugins/auth.ts'

/** One HTTP request to the MCP endpoint, as its tools see it. */
export type Exchange = {
  caller: Caller
  /** Fires when the client leaves before its answer is complete. */
  left: AbortSignal
  /** Calls back once, when the answer is complete or the client has left. */
  onceOver: (call: () => void) => void
  /** Ends the answer as it is: its request was cancelled, and gets none. */
  finish: () => void
  /** Names the run in the log of requests. */
  noteRun: (runId: string) => void
}

/** The exchange of each web request, which the MCP package hands to the tools as it is. */
const exchanges = new WeakMap<Request, Exchange>()

const methods = ['GET', 'POST', 'DELETE']

/** Makes the web request for the MCP package: its headers alone, as the body was read within our limits. */
export function openExchange(
  request: FastifyRequest,
  reply: FastifyReply,
  { isBatch = false } = {},
): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.raw.headers)) {
    // Kept from everything behind this.
    if (name === 'authorization' || value === undefined) continue
    for (const one of [value].flat()) headers.append(name, one)
  }
  const controller = new AbortController()
  const method = methods.find(name => name === request.method) ?? 'POST'
  const web = new Request('http://mcp.invalid/mcp', { method, headers, signal: controller.signal })
  const over = new Set<() => void>()
  let isOver = false
  whenOver(reply.raw, () => {
    isOver = true
    if (!reply.raw.writableFinished) controller.abort(new Error('the client left'))
    for (const call of over) call()
  })
  exchanges.set(web, {
    caller: callerOf(request),
    // The web request has a signal of its own, which follows this one.
    left: controller.signal,
    onceOver: call => {
      if (isOver) call()
      else over.add(call)
    },
    finish: () => {
      // The answers of other messages are on the same stream.
      if (reply.sent && !isBatch) reply.raw.end()
    },
    noteRun: runId => {
      request.runId = runId
    },
  })
  return web
}

/** Returns the exchange of a web request that `openExchange` made. */
export function exchangeOf(web: Request | undefined): Exchange {
  const exchange = web && exchanges.get(web)
  if (!exchange) throw new Error('a tool was called outside of a request')
  return exchange
}
