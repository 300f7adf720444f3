import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createByteBudget, holderOf } from '../../tenants/byte-budget.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { Access } from '../../tenants/tokens.ts'
import type { ServerLimits } from '../limits.ts'
import { whenOver } from './answer-over.ts'
import { onEachRequest } from './each-request.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Ends the answer when the token was revoked; a request without it loses its connection. */
    onRevoked: (() => void) | null
  }
}

/**
 * Bounds the requests that a token and a tenant have open at once, event streams and waiting runs included,
 * so that one of them does not use up the connections (threat M6). Ends those of a token that was revoked.
 * Applies to requests whose token was checked.
 */
export function boundRequests(
  app: FastifyInstance,
  { access, limits }: { access: Access; limits: ServerLimits },
) {
  const open = new Set<FastifyRequest>()
  const budget = createByteBudget({
    total: limits.openRequests,
    each: limits.openRequests / 2,
    tenants: () => access.tenants().length,
  })

  app.decorateRequest('onRevoked', null)
  onEachRequest(app, (request, reply) => {
    const { caller } = request
    if (!caller) return
    const holder = holderOf(caller)
    if (!budget.take(holder, 1)) throw tooManyOpen()
    open.add(request)
    whenOver(reply.raw, () => {
      open.delete(request)
      budget.give(holder, 1)
    })
  })

  const look = () => {
    for (const request of open) {
      if (request.caller && !access.isInForce(request.caller)) end(request)
    }
  }
  const timer = setInterval(look, limits.revokedMilliseconds)
  timer.unref()
  app.addHook('onClose', async () => clearInterval(timer))
}

function end(request: FastifyRequest) {
  if (request.onRevoked) request.onRevoked()
  else request.raw.socket.destroy()
}

function tooManyOpen() {
  return new HttpError(429, 'too many requests at once: close others, or retry later', {
    headers: { 'retry-after': '5' },
  })
}
