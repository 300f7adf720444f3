import type { FastifyInstance } from 'fastify'

/** GET /health needs no token, and says nothing but that the server answers. */
export function serveHealth(app: FastifyInstance) {
  app.get('/health', { config: { modes: 'open' } }, async () => ({ status: 'ok' }))
}
