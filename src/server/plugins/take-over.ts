import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'
import type { FastifyReply } from 'fastify'

/**
 * Takes an answer out of Fastify's hands to write its body bit by bit, and gives its head to Node.js: the headers
 * that the hooks have set, and `headers`.
 */
export function takeOver(
  reply: FastifyReply,
  status: number,
  headers: OutgoingHttpHeaders = {},
): ServerResponse {
  const ready = reply.getHeaders()
  reply.hijack()
  for (const [name, value] of Object.entries(ready)) reply.raw.setHeader(name, value ?? '')
  return reply.raw.writeHead(status, headers)
}
