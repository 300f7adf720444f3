import { once } from 'node:events'
import type { FastifyReply } from 'fastify'
import type { ServerLimits } from '../limits.ts'
import { takeOver } from '../plugins/take-over.ts'

/** Headers that describe a connection, which is not the MCP package's. */
const hopHeaders = new Set(['connection', 'content-length', 'transfer-encoding'])

/** Sends a web response as the answer of a request. */
export async function respond(
  reply: FastifyReply,
  response: Response,
  limits: ServerLimits,
): Promise<unknown> {
  for (const [name, value] of response.headers) {
    if (!hopHeaders.has(name)) reply.header(name, value)
  }
  if (!response.headers.get('content-type')?.startsWith('text/event-stream') || !response.body) {
    return reply.code(response.status).send(await response.text())
  }
  takeOver(reply, response.status).flushHeaders()
  await pump(reply, response.body.getReader(), limits)
  return reply
}

/** Writes at the reader's pace, and closes a connection that reads nothing (threat M6). */
async function pump(
  { raw }: FastifyReply,
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { stalledMilliseconds }: ServerLimits,
): Promise<void> {
  const cancel = () => void reader.cancel().catch(() => {})
  raw.once('close', cancel)
  try {
    if (raw.destroyed) cancel()
    for (;;) {
      const { done, value } = await reader.read()
      if (done || raw.destroyed || raw.writableEnded) break
      if (raw.write(value)) continue
      await once(raw, 'drain', { signal: AbortSignal.timeout(stalledMilliseconds) })
    }
    raw.end()
  } catch {
    raw.destroy()
  } finally {
    raw.off('close', cancel)
    cancel()
  }
}
