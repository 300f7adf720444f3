import { once } from 'node:events'
import type { FastifyReply } from 'fastify'
import type { ServerLimits } from '../limits.ts'
import { takeOver } from '../plugins/take-over.ts'

/**
 * Answers with server-sent events. The head goes out with the first event, or with the first keep-alive: until
 * then a failure can still have a status of its own.
 */
export function createEventStream(
  reply: FastifyReply,
  { keepAliveMilliseconds, stalledMilliseconds }: ServerLimits,
  /** What keeps the connection open: a comment, or an event that the clients of a protocol ignore. */
  { keepAlive = ': keep-alive\n\n' } = {},
) {
  let isOpen = false
  const gone = new AbortController()
  const timer = setInterval(() => {
    open()
    if (!reply.raw.writableNeedDrain) reply.raw.write(keepAlive)
  }, keepAliveMilliseconds)
  reply.raw.once('close', () => {
    clearInterval(timer)
    gone.abort()
  })

  function open() {
    if (isOpen) return
    isOpen = true
    takeOver(reply, 200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
    })
  }

  return {
    isOpen: () => isOpen,

    /** Sends the head and a comment now, because it takes longer until there is anything to send. */
    openEarly() {
      if (reply.raw.destroyed) return
      open()
      reply.raw.write(': waiting for a turn\n\n')
    },

    /** Writes at the reader's pace. One that reads nothing is disconnected, which ends its run (threat M6). */
    async send(data: object | string, event?: string): Promise<void> {
      if (reply.raw.destroyed) return
      open()
      const text = typeof data === 'string' ? data : JSON.stringify(data)
      const name = event === undefined ? '' : `event: ${event}\n`
      if (reply.raw.write(`${name}data: ${text}\n\n`)) return
      const late = AbortSignal.timeout(stalledMilliseconds)
      try {
        await once(reply.raw, 'drain', { signal: AbortSignal.any([gone.signal, late]) })
      } catch {
        reply.raw.destroy()
      }
    },

    /** Stops the keep-alives, and ends the answer if it has begun. */
    end() {
      clearInterval(timer)
      if (isOpen) reply.raw.end()
    },
  }
}
export type EventStream = ReturnType<typeof createEventStream>
