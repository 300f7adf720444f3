import { randomBytes } from 'node:crypto'
import { messageOf } from '../base/errors.ts'
import { createChannel } from './channel.ts'
import { createCollector, type RunEnding } from './collect.ts'
import type { RunEvent } from './event.ts'
import { type Events, follow, neverBegan, type Patience } from './follow.ts'
import type { Validate } from './json-schema.ts'
import type { RunLease } from './lease/lease.ts'
import { RunRefusal } from './refusal.ts'
import { parseRequest, promptText, RunId, type RunRequest } from './request.ts'
import { type RunResult, validated } from './result.ts'
import type { RunStore } from './store/store.ts'
import type { RunTransport } from './transport.ts'

export type RunOptions = {
  /** Absolute path in the worker. */
  workspace: string
  /** Cancels the run. */
  signal?: AbortSignal
  runId?: string
  /** Wait for a run that has the workspace, instead of being refused. */
  wait?: boolean
}

/** A run under way. */
export type Run = {
  id: string
  /** All events, for one reader; slow reading slows the run down. Read at once, or what does not fit is lost. */
  events: AsyncIterable<RunEvent>
  /** Rejects with a `RunRefusal` when it did not begin. */
  result: Promise<RunResult>
  /** Ends when nothing of the run is left, which `result` tells. */
  cancel: () => void
}

export type RunEngine = { start: (request: unknown, options: RunOptions) => Run }

export type RunEngineParts = {
  transport: RunTransport
  store: RunStore
  lease: RunLease
  now: () => Date
  /** What is to be said of a run that has ended, kept among its notices; one that fails costs nothing. */
  parting?: (since: Date) => Promise<readonly string[]>
  /** Milliseconds; the defaults are what a person waits for. */
  patience?: Partial<Patience>
}

const eventsHeld = 256

/** What runs a prompt, for every surface: one lease, one store, one transport, one way to end. */
export function createRunEngine(parts: RunEngineParts): RunEngine {
  return {
    start(input, options) {
      const request = parseRequest(input)
      const id = RunId.parse(options.runId ?? randomBytes(8).toString('hex'))
      const controller = new AbortController()
      const cancel = () => controller.abort(new Error('cancelled'))
      if (options.signal?.aborted) cancel()
      options.signal?.addEventListener('abort', cancel, { once: true })
      const channel = createChannel<RunEvent>(eventsHeld)
      const result = watchOver(
        parts,
        { request, id, ...options, signal: controller.signal },
        channel,
      ).finally(() => options.signal?.removeEventListener('abort', cancel))
      result.then(
        result => channel.close({ kind: 'ended', result }),
        // Whoever reads the events alone is not to be ended by a refusal.
        () => channel.close(),
      )
      return { id, events: channel.read(), result, cancel }
    },
  }
}

type Watched = RunOptions & { request: RunRequest; id: string; signal: AbortSignal }

async function watchOver(parts: RunEngineParts, run: Watched, events: Events): Promise<RunResult> {
  const { store, lease, now } = parts
  const { request, id, workspace, signal } = run
  // Before anything is spent: an invalid schema is refused.
  const validate = request.jsonSchema ? await validator(request.jsonSchema) : null
  const startedAt = now().toISOString()
  const { timeoutSeconds } = request
  const collector = createCollector({ runId: id, workspace, startedAt, timeoutSeconds })
  const log = await store.create({
    runId: id,
    workspace,
    startedAt,
    prompt: promptText(request.prompt).slice(0, 500),
    model: request.model ?? null,
  })
  try {
    const cancelled = new AbortController()
    log.onCancel(() => cancelled.abort(new Error('cancelled')))
    const either = AbortSignal.any([signal, cancelled.signal])
    const release = await lease
      .acquire(workspace, id, { wait: run.wait ?? false, signal: either })
      .catch(error => unlessAborted(either, error))
    const finish = async (ending: RunEnding) => {
      const result = validated(collector.result(ending, now().toISOString()), validate)
      await log.finish(result).catch(error => {
        const text = `the result could not be kept: ${messageOf(error)}`
        return events.push({ kind: 'notice', text })
      })
      return result
    }
    if (release === null) return await finish(neverBegan)
    const logged: Events = {
      ...events,
      async push(event) {
        await log.append(event)
        await events.push(event)
      },
    }
    const whole = { ...run, signal: either }
    // Free before its end is told: whoever waited for that may run the next one.
    const ending = await follow(parts, whole, { collector, startedAt, events: logged }).finally(
      release,
    )
    const words = await parts.parting?.(new Date(startedAt)).catch(() => [])
    for (const text of words ?? []) await logged.push({ kind: 'notice', text })
    return await finish(ending)
  } catch (error) {
    await log.discard()
    throw error
  }
}

function unlessAborted(signal: AbortSignal, error: unknown): null {
  if (signal.aborted && !(error instanceof RunRefusal)) return null
  throw error
}

async function validator(schema: Record<string, unknown>): Promise<Validate> {
  // Loaded for the few runs that have a schema.
  return (await import('./json-schema.ts')).createValidator(schema)
}
