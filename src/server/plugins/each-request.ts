import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Looks at each request before its body is read, in the order of these calls; what `look` throws is the answer.
 * Not an async function: its promises would be a tenth of what a small request costs.
 */
export function onEachRequest(
  app: FastifyInstance,
  look: (request: FastifyRequest, reply: FastifyReply) => void,
): void {
  app.addHook('onRequest', (request, reply, done) => {
    try {
      look(request, reply)
    } catch (error) {
      return done(error as Error)
    }
    done()
  })
}
