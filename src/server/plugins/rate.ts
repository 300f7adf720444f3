import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { HttpError } from '../../tenants/http-error.ts'
import type { ServerLimits } from '../limits.ts'

/** Bounds the requests of each token. Routes that start runs have a bound of their own in `runRate`. */
export async function limitRates(app: FastifyInstance, limits: ServerLimits) {
  const silent = {
    'x-ratelimit-limit': false,
    'x-ratelimit-remaining': false,
    'x-ratelimit-reset': false,
  }
  await app.register(rateLimit, {
    global: true,
    max: limits.requestsPerSecond,
    timeWindow: 1_000,
    // Behind a published port every client has the same address.
    keyGenerator: request => request.caller?.token.name ?? '',
    errorResponseBuilder: () => new HttpError(429, 'too many requests, retry later'),
    addHeaders: silent,
    addHeadersOnExceeding: silent,
  })
}

/** The bound of a route that starts runs. */
export function runRate(limits: ServerLimits) {
  return { max: limits.runsPerMinute, timeWindow: 60_000 }
}
