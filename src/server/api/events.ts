import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { camelKeys } from '../../run/camel-keys.ts'
import type { RunEvent } from '../../run/result.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { RunStarter } from '../../tenants/run-starter.ts'
import type { ServerLimits } from '../limits.ts'
import { whenOver } from '../plugins/answer-over.ts'
import { callerOf } from '../plugins/auth.ts'
import { takeOver } from '../plugins/take-over.ts'
import { queryOf } from './run.ts'
import { runAnswer } from './run-answer.ts'
import { visibleRun } from './run-control.ts'

/** GET /run/events: all events of a run as server-sent events, from the first or after `Last-Event-ID`. */
export function serveEvents(
  app: FastifyInstance,
  { starter, limits }: { starter: RunStarter; limits: ServerLimits },
) {
  const open = new Map<string, number>()
  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())

  app.get('/run/events', async (request, reply) => {
    const caller = callerOf(request)
    const engine = starter.of(caller.tenant.name)
    const { runId } = await visibleRun(engine, request)
    const name = caller.token.name
    const count = open.get(name) ?? 0
    if (count >= limits.streams) {
      throw new HttpError(429, 'too many event streams, close another', {
        headers: { 'retry-after': '5' },
      })
    }
    open.set(name, count + 1)
    const gone = new AbortController()
    whenOver(reply.raw, () => {
      gone.abort()
      open.set(name, (open.get(name) ?? 1) - 1)
    })
    takeOver(reply, 200, { 'content-type': 'text/event-stream' }).flushHeaders()
    const revoked = new AbortController()
    request.onRevoked = () => revoked.abort()
    const signal = AbortSignal.any([gone.signal, closing.signal, revoked.signal])
    const events = engine.events(runId, { after: lastSeen(request, runId), signal })
    await send(reply.raw, rendered(runId, events, revoked.signal), limits, revoked.signal)
  })
}

/** Returns the sequence number after which a reader goes on; 0 for an id that is not of this run. */
function lastSeen(request: FastifyRequest, runId: string): number {
  const given = request.raw.headers['last-event-id'] ?? queryOf(request, 'lastEventId') ?? ''
  const [, run, seq] = /^([0-9a-f]{16})-(\d{1,15})$/.exec(String(given)) ?? []
  return run === runId ? Number(seq) : 0
}

async function* rendered(
  runId: string,
  events: AsyncIterable<RunEvent>,
  revoked: AbortSignal,
): AsyncGenerator<string> {
  for await (const event of events) {
    if (revoked.aborted) break
    const shown = shownEvent(event)
    if (shown === null) continue
    const { seq, kind } = event
    yield `id: ${runId}-${seq}\nevent: ${kind}\ndata: ${JSON.stringify(shown)}\n\n`
  }
  // Without an id, so that it changes nothing for a client that resumes with another token.
  if (revoked.aborted) yield 'event: unauthorized\ndata: {"detail":"the token was revoked"}\n\n'
}

/** Returns the event in the words of the API; null for what is between the runner and Claude Code. */
function shownEvent(event: RunEvent): object | null {
  switch (event.kind) {
    case 'claude':
      if (event.message.type.startsWith('control_')) return null
      return { ...event, message: camelKeys(event.message) }
    case 'ended':
      return { ...event, result: runAnswer(event.result, 'json') }
    case 'started':
    case 'notice':
    case 'question':
    case 'question-closed':
      return event
    default:
      return event satisfies never
  }
}

/**
 * Writes at the reader's pace. The hub drops a reader of a run in progress that falls too far behind; one
 * that reads nothing is closed, so that its buffer is not kept (threat M6). Either resumes by its last id.
 */
async function send(
  response: ServerResponse,
  texts: AsyncIterable<string>,
  { keepAliveMilliseconds, stalledMilliseconds }: ServerLimits,
  revoked: AbortSignal,
): Promise<void> {
  const keepAlive = setInterval(() => {
    if (!response.writableNeedDrain) response.write(': keep-alive\n\n')
  }, keepAliveMilliseconds)
  try {
    for await (const text of texts) {
      if (response.destroyed) return
      if (response.write(text)) continue
      const signal = AbortSignal.any([AbortSignal.timeout(stalledMilliseconds), revoked])
      await once(response, 'drain', { signal })
    }
    response.end()
  } catch {
    response.destroy()
  } finally {
    clearInterval(keepAlive)
  }
}
