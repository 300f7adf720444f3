import type { FastifyInstance } from 'fastify'
import type { Metrics } from '../metrics.ts'
import { callerOf } from '../plugins/auth.ts'

/** GET /metrics: everything for a token with the mode `metrics`; else what is of the token's tenant. */
export function serveMetrics(app: FastifyInstance, metrics: Metrics) {
  app.get('/metrics', { config: { modes: ['metrics', 'api'] } }, async (request, reply) => {
    const { token, tenant } = callerOf(request)
    const isWhole = token.modes.includes('metrics')
    const text = await metrics.render(isWhole ? undefined : tenant.name)
    return reply.type(metrics.contentType).send(text)
  })
}
