import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDeferred } from '../base/async.ts'
import { RunRefusal } from './failure.ts'
import { Interruption } from './follow.ts'
import { createHub } from './hub.ts'
import { RunId } from './ids.ts'
import { parseRequest, type RunRequest } from './request.ts'
import type { RunEvent, RunResult } from './result.ts'
import { createRuns, type LiveRun, type Runs, unknownRun } from './runs.ts'
import { type RunEngineParts, type RunOptions, type Watched, watchRun } from './watch.ts'

/** A run in progress. */
export type Run = {
  id: string
  /** All events, for one reader. A slow reader slows the run; excess events before the first read are lost. */
  events: AsyncIterable<RunEvent>
  /** Rejects with a `RunRefusal` when it did not start. */
  result: Promise<RunResult>
  /**
   * Keeps the run, before a caller is told its id: a later refusal is stored as a failure. Rejects
   * when the run was refused already.
   */
  acknowledge: () => Promise<void>
  /** Requests cancellation; `result` settles when all processes of the run are gone. */
  cancel: () => void
  /** Like `cancel`, but the run counts as interrupted: its process stops, and no one asked for its end. */
  interrupt: () => void
}

export type RunEngine = Runs & { start: (request: unknown, options: RunOptions) => Run }

type Live = LiveRun & Omit<Run, 'id' | 'events'> & { digest: string }

/** Runs prompts for every surface: one lease, one store, one way to start and to end. */
export function createRunEngine(parts: RunEngineParts): RunEngine {
  const { store, now } = parts
  const live = new Map<string, Live>()

  function start(input: unknown, options: RunOptions): Run {
    const request = parseRequest(input)
    const digest = options.requestDigest ?? digestOf(request)
    const id = RunId.parse(options.runId ?? idOf(options))
    const same = live.get(id)
    if (same) {
      if (same.digest !== digest) throw keyReused()
      const { hub, result, acknowledge, cancel, interrupt } = same
      const events = hub.read({ whenFull: 'close' })
      return { id, events, result, acknowledge, cancel, interrupt }
    }
    const controller = new AbortController()
    const cancel = () => controller.abort(new Error('cancelled'))
    const interrupt = () => controller.abort(new Interruption())
    if (options.signal?.aborted) cancel()
    options.signal?.addEventListener('abort', cancel, { once: true })
    const hub = createHub({ now })
    const events = hub.read({ whenFull: 'wait' })
    const run = { ...options, request, digest, id, signal: controller.signal }
    const notStarted = Promise.reject(new Error('not started'))
    const acknowledge = async () => {
      await Promise.race([entry.stored.promise, entry.result])
      if (entry.isRefused) await entry.result
      entry.isAcknowledged = true
    }
    const entry: Live = {
      ...{ hub, digest, acknowledge, cancel, interrupt, result: notStarted },
      ...{ stored: createDeferred(), isAcknowledged: false, isRefused: false },
    }
    entry.result.catch(() => {})
    live.set(id, entry)
    entry.result = keptOrNew(run, entry).finally(() => {
      live.delete(id)
      options.signal?.removeEventListener('abort', cancel)
    })
    entry.result.then(
      result => hub.close({ kind: 'ended', result }),
      // A refusal reaches readers through `result`.
      () => hub.close(),
    )
    return { id, events, result: entry.result, acknowledge, cancel, interrupt }
  }

  /** Returns the stored run of an idempotency key, or starts a new one. */
  async function keptOrNew(run: Watched, entry: Live): Promise<RunResult> {
    const kept = run.idempotencyKey === undefined ? null : await store.summary(run.id)
    if (!kept) return watchRun(parts, run, entry)
    if (kept.requestDigest !== run.digest) throw keyReused()
    entry.stored.resolve()
    for (;;) {
      const stored = await store.read(run.id)
      if (!stored) throw unknownRun(run.id)
      if (stored.result) return stored.result
      await sleep(pollMilliseconds, undefined, { signal: run.signal })
    }
  }

  return { ...createRuns(store, live), start }
}

const pollMilliseconds = 250

function digestOf(request: RunRequest): string {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex')
}

/** Derives the id from the idempotency key, so that two processes cannot both start a run for it. */
function idOf({ owner, idempotencyKey }: RunOptions): string {
  if (idempotencyKey === undefined) return randomBytes(8).toString('hex')
  const text = JSON.stringify([owner ?? null, idempotencyKey])
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

function keyReused() {
  return new RunRefusal('key-reused', 'the idempotency key belongs to another request')
}
