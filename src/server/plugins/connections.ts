import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { ServerLimits } from '../limits.ts'

/**
 * Bounds the connections: the oldest that has no request makes room for a new one, so that clients which
 * open connections and send nothing do not keep others out (threat M6).
 */
export function boundConnections(server: Server, limits: ServerLimits) {
  server.maxConnections = limits.connections
  const idle = new Set<Socket>()
  server.on('connection', socket => {
    idle.add(socket)
    socket.once('close', () => idle.delete(socket))
    if (idle.size <= limits.idleConnections) return
    const [oldest] = idle
    oldest?.destroy()
  })
  server.on('request', (request, response) => {
    const { socket } = request
    idle.delete(socket)
    response.once('close', () => {
      if (!socket.destroyed) idle.add(socket)
    })
  })
}

/** Closes the connection of a client that does not read its answer. Applies from the answer's first byte. */
export function boundAnswers(app: FastifyInstance, limits: ServerLimits) {
  app.addHook('onSend', (_request, reply, payload, done) => {
    reply.raw.setTimeout(limits.stalledMilliseconds, () => reply.raw.destroy())
    done(null, payload)
  })
}
