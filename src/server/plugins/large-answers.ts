import type { FastifyInstance } from 'fastify'
import { createByteBudget, holderOf } from '../../tenants/byte-budget.ts'
import { HttpError, renderError } from '../../tenants/http-error.ts'
import type { Access } from '../../tenants/tokens.ts'
import type { ServerLimits } from '../limits.ts'
import { whenOver } from './answer-over.ts'

/**
 * Bounds the large answers that are held until their clients have read them: results with turns have tens of
 * megabytes, and slow readers would collect them in memory (threat M6). Files are streamed, and not counted.
 */
export function boundLargeAnswers(
  app: FastifyInstance,
  { access, limits }: { access: Access; limits: ServerLimits },
) {
  const budget = createByteBudget({
    total: limits.answersCharacters,
    each: limits.answerCharacters,
    tenants: () => access.tenants().length,
  })
  app.addHook('onSend', (request, reply, payload, done) => {
    const { caller, runId } = request
    if (typeof payload !== 'string' || payload.length <= limits.smallAnswerCharacters)
      return done(null, payload)
    if (!caller) return done(null, payload)
    const holder = holderOf(caller)
    if (!budget.take(holder, payload.length)) {
      const error = tooManyLarge(runId)
      reply.code(error.status).headers({ ...error.headers, 'content-type': 'application/json' })
      return done(null, renderError(error))
    }
    whenOver(reply.raw, () => budget.give(holder, payload.length))
    done(null, payload)
  })
}

/** With the id of a run whose answer this was: its result can be fetched later. */
function tooManyLarge(runId: string | null) {
  return new HttpError(503, 'too many large answers are being read, retry later', {
    headers: { 'retry-after': '5' },
    ...(runId !== null && { more: { runId } }),
  })
}
