import type {
  CallToolResult,
  InputRequiredResult,
  ServerContext,
} from '@modelcontextprotocol/server'
import { messageOf } from '../../base/errors.ts'
import type { RunEngine } from '../../run/engine.ts'
import type { ByteHolder } from '../../tenants/byte-budget.ts'
import { createByteBudget, holderOf } from '../../tenants/byte-budget.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { httpErrorOf } from '../../tenants/refusals.ts'
import type { RunStarter } from '../../tenants/run-starter.ts'
import type { ServerLog } from '../../tenants/server-log.ts'
import type { ServerLimits } from '../limits.ts'
import { type Exchange, exchangeOf } from './exchange.ts'

/** One call of a tool. */
export type Call = {
  ctx: ServerContext
  exchange: Exchange
  engine: RunEngine
  /** Fires when no answer is expected any more: the request was cancelled, or its client left. */
  over: AbortSignal
  /** Takes memory until the answer is over; throws when there is none. */
  hold: (bytes: number) => void
}

export type ToolAnswer = CallToolResult | InputRequiredResult

/** Runs a tool's work for its caller, and turns refusals into results with `isError`. */
export type Serve = (
  ctx: ServerContext,
  work: (call: Call) => Promise<ToolAnswer>,
) => Promise<ToolAnswer>

/** Creates the one way into every tool: its caller, the bounds of its token, and its errors. */
export function createServe(options: {
  starter: RunStarter
  limits: ServerLimits
  tenants: () => number
  log: ServerLog
}): Serve {
  const { starter, limits, log } = options
  const inProgress = new Map<string, number>()
  const budget = createByteBudget({
    total: limits.mcpBytes,
    each: limits.mcpBytes / 2,
    tenants: options.tenants,
  })

  return async (ctx, work) => {
    const exchange = exchangeOf(ctx.http?.req)
    const { caller } = exchange
    const name = caller.token.name
    const count = inProgress.get(name) ?? 0
    if (count >= limits.mcpCalls) return toolError('too many calls at once, retry later')
    inProgress.set(name, count + 1)
    const cancelled = cancelledOf(ctx)
    cancelled?.addEventListener('abort', exchange.finish, { once: true })
    const over = cancelled ? AbortSignal.any([exchange.left, cancelled]) : exchange.left
    try {
      return await work({
        ctx,
        exchange,
        get engine() {
          return starter.of(caller.tenant.name)
        },
        over,
        hold: bytes => holdUntilOver(exchange, holderOf(caller), bytes),
      })
    } catch (error) {
      const known = httpErrorOf(error)
      if (known instanceof HttpError) return toolError(known.message)
      if (!over.aborted) {
        log({ kind: 'error', message: messageOf(error), token: name, tenant: caller.tenant.name })
      }
      return toolError('internal error')
    } finally {
      cancelled?.removeEventListener('abort', exchange.finish)
      const left = (inProgress.get(name) ?? 1) - 1
      if (left > 0) inProgress.set(name, left)
      else inProgress.delete(name)
    }
  }

  function holdUntilOver(exchange: Exchange, holder: ByteHolder, bytes: number) {
    if (!budget.take(holder, bytes)) {
      throw new HttpError(503, 'too many large answers at once, retry later')
    }
    exchange.onceOver(() => budget.give(holder, bytes))
  }
}

/**
 * Returns the signal of `notifications/cancelled`; null without sessions, where a client cancels by leaving, and
 * the package's signal also fires after the answer.
 */
function cancelledOf({ mcpReq }: ServerContext): AbortSignal | null {
  return mcpReq.envelope === undefined ? mcpReq.signal : null
}

/** Builds the result of a call that failed, in words for the model. */
export function toolError(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true }
}

/** Builds a result from its text and its structured form. */
export function toolResult(text: string, structuredContent?: Record<string, unknown>) {
  return {
    content: [{ type: 'text' as const, text }],
    ...(structuredContent && { structuredContent }),
  }
}
