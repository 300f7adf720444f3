import type { FastifyInstance } from 'fastify'
import type { ServerLog } from '../../tenants/server-log.ts'
import { onEachRequest } from './each-request.ts'

export type Answered = {
  method: string
  route: string
  status: number
  milliseconds: number
  tenant?: string
  token?: string
}

/** Logs each request when its answer ended, or when its client left. */
export function logRequests(
  app: FastifyInstance,
  options: { log: ServerLog; onAnswer?: (answered: Answered) => void },
) {
  onEachRequest(app, (request, reply) => {
    const began = performance.now()
    reply.raw.once('close', () => {
      const { caller, runId } = request
      const status = reply.raw.writableFinished ? reply.raw.statusCode : 499
      const answered: Answered = {
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status,
        milliseconds: Math.round(performance.now() - began),
        ...(caller && { tenant: caller.tenant.name, token: caller.token.name }),
      }
      options.onAnswer?.(answered)
      // The health check runs every few seconds.
      if (answered.route === '/health' && status === 200) return
      options.log({ kind: 'request', ...answered, ...(runId !== null && { runId }) })
    })
  })
}
