import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, UserError } from '../errors.ts'
import { createChannel } from './channel.ts'
import { createCollector, type Ending } from './collect.ts'
import type { RunEvent } from './event.ts'
import type { Validate } from './json-schema.ts'
import type { RunLease } from './lease.ts'
import { RunRefusal } from './refusal.ts'
import { RunId, RunRequest } from './request.ts'
import type { RunResult } from './result.ts'
import type { RunnerEvent } from './runner-protocol.ts'
import type { RunStore } from './store.ts'
import type { RunConnection, RunTransport } from './transport.ts'

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
  /** Milliseconds; the defaults are what a person waits for. */
  patience?: Partial<Patience>
}

type Patience = {
  /** For a dead runner, beyond the time that the run itself has. */
  beyondTimeout: number
  /** For the runner's word that a cancelled run is gone. */
  cancel: number
  /** For the runner to be rid of a run whose client is gone already. */
  busy: number
}

const defaults: Patience = { beyondTimeout: 10_000, cancel: 15_000, busy: 10_000 }
const busyPoll = 250
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
type Events = Pick<ReturnType<typeof createChannel<RunEvent>>, 'push' | 'hurry'>

async function watchOver(parts: RunEngineParts, run: Watched, events: Events): Promise<RunResult> {
  const { store, lease, now } = parts
  const { request, id, workspace, signal } = run
  // Before anything is spent: a schema that is none is wrong usage.
  const validate = request.jsonSchema ? await validator(request.jsonSchema) : null
  const startedAt = now().toISOString()
  const { timeoutSeconds } = request
  const collector = createCollector({ runId: id, workspace, startedAt, timeoutSeconds })
  const log = await store.create({
    runId: id,
    workspace,
    startedAt,
    prompt: request.prompt.slice(0, 500),
    model: request.model ?? null,
  })
  try {
    const cancelled = new AbortController()
    log.onCancel(() => cancelled.abort(new Error('cancelled')))
    const either = AbortSignal.any([signal, cancelled.signal])
    const release = await lease
      .acquire(workspace, id, { wait: run.wait ?? false, signal: either })
      .catch(error => unlessAborted(either, error))
    const finish = async (ending: Ending) => {
      const result = validated(collector.result(ending, now().toISOString()), validate)
      await log.finish(result).catch(error => {
        const text = `the result could not be kept: ${messageOf(error)}`
        return events.push({ kind: 'notice', text })
      })
      return result
    }
    if (release === null) return await finish(neverBegan)
    try {
      const both: Events = {
        ...events,
        async push(event) {
          await log.append(event)
          await events.push(event)
        },
      }
      return await finish(
        await follow(parts, { ...run, signal: either }, { collector, startedAt, events: both }),
      )
    } finally {
      release()
    }
  } catch (error) {
    await log.discard()
    throw error
  }
}

const neverBegan: Ending = {
  kind: 'ended',
  outcome: 'cancelled',
  exitCode: null,
  signal: null,
  swept: 0,
}

/** From the request to the runner's last word, also when the runner has none. */
async function follow(
  parts: RunEngineParts,
  run: Watched,
  {
    collector,
    startedAt,
    events,
  }: { collector: ReturnType<typeof createCollector>; startedAt: string; events: Events },
): Promise<Ending> {
  const patience = { ...defaults, ...parts.patience }
  const { request, id: runId, workspace, signal } = run
  const busyUntil = Date.now() + patience.busy
  for (;;) {
    if (signal.aborted) return neverBegan
    const connection = await parts.transport.open({ version: 1, runId, workspace, request })
    const watch = watchTime(connection, run, { ...patience, onGivenUp: events.hurry })
    try {
      const last = await readAll(connection, event => {
        switch (event.kind) {
          case 'started':
            collector.started(event)
            return events.push({
              kind: 'started',
              runId,
              workspace,
              sessionId: event.sessionId,
              warm: event.warm,
              startedAt,
            })
          case 'claude':
            collector.add(event.message)
            return events.push(event)
          case 'notice':
            return events.push(event)
          default:
            return event satisfies never
        }
      })
      if (last.kind !== 'refused') return watch.judge(last)
      // We have the lease, so what the runner is busy with is a run whose watcher died: it ends soon.
      if (last.reason !== 'busy' || (Date.now() > busyUntil && !run.wait)) {
        throw new RunRefusal(last.reason, last.message)
      }
    } finally {
      watch.stop()
      connection.close()
    }
    await sleep(busyPoll, undefined, { signal }).catch(() => {})
  }
}

type Last = Extract<RunnerEvent, { kind: 'ended' | 'refused' }> | { kind: 'lost'; reason: string }

async function readAll(
  { events }: RunConnection,
  each: (event: Exclude<RunnerEvent, { kind: 'ended' | 'refused' }>) => Promise<void>,
): Promise<Last> {
  try {
    for await (const event of events) {
      if (event.kind === 'ended' || event.kind === 'refused') return event
      await each(event)
    }
    return { kind: 'lost', reason: 'it ended before the run did' }
  } catch (error) {
    return { kind: 'lost', reason: messageOf(error) }
  }
}

/** Cancels on the signal, and gives up on a runner that does not end what it should have ended. */
function watchTime(
  connection: RunConnection,
  { request, signal }: Watched,
  patience: Patience & { onGivenUp: () => void },
) {
  let givenUp: Ending | null = null
  let cancelTimer: NodeJS.Timeout | undefined
  const giveUp = (ending: Ending) => {
    givenUp ??= ending
    patience.onGivenUp()
    connection.close()
  }
  const after = request.timeoutSeconds * 1000 + patience.beyondTimeout
  const timer = setTimeout(() => giveUp({ kind: 'given-up', after: after / 1000 }), after)
  const cancel = () => {
    connection.cancel()
    cancelTimer = setTimeout(() => giveUp({ kind: 'unconfirmed' }), patience.cancel)
  }
  if (signal.aborted) cancel()
  else signal.addEventListener('abort', cancel, { once: true })
  return {
    judge: (last: Exclude<Last, { kind: 'refused' }>): Ending => {
      // It was not us who wanted that: the runner ends its runs when its container goes down.
      const unasked = last.kind === 'ended' && last.outcome === 'cancelled' && !signal.aborted
      if (unasked) return { kind: 'stopped' }
      if (last.kind !== 'lost') return last
      // A connection that broke while the run was being cancelled took the run along.
      return givenUp ?? (signal.aborted ? neverBegan : last)
    },
    stop() {
      clearTimeout(timer)
      clearTimeout(cancelTimer)
      signal.removeEventListener('abort', cancel)
    },
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

/** A result that was to have a form and has not is none. */
function validated(result: RunResult, validate: Validate | null): RunResult {
  if (!validate || result.status !== 'succeeded') return result
  const given = result.claude !== null && 'structured_output' in result.claude
  const wrong = given ? validate(result.claude?.structured_output) : null
  if (given && wrong === null) return result
  const message = given
    ? `the answer does not have the form of the schema: ${wrong}`
    : 'the model gave no answer in the form of the schema'
  const hint = 'ask again, or say in the prompt what each field is for'
  return { ...result, status: 'failed', error: { message, hint, apiErrorStatus: null } }
}

function parseRequest(input: unknown): RunRequest {
  const parsed = RunRequest.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') || 'the request'
  throw new UserError(`${field}: ${issue?.message ?? 'is not valid'}`, {
    hint: './claude.ts run --help shows what it takes',
    exitCode: 2,
  })
}
