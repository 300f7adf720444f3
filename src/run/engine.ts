import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkAnswers } from './asking.ts'
import type { RunEvent } from './event.ts'
import { createHub } from './hub.ts'
import type { Answers } from './question.ts'
import { RunRefusal } from './refusal.ts'
import { parseRequest, RunId, type RunRequest } from './request.ts'
import type { RunResult } from './result.ts'
import type { RunPage, RunSummary } from './store/store.ts'
import {
  type RunEngineParts,
  type RunOptions,
  type Watched,
  type Watching,
  watchRun,
} from './watch.ts'

/** A run in progress. */
export type Run = {
  id: string
  /** All events, for one reader. A slow reader slows the run; excess events before the first read are lost. */
  events: AsyncIterable<RunEvent>
  /** Rejects with a `RunRefusal` when it did not start. */
  result: Promise<RunResult>
  /** Requests cancellation; `result` settles when all processes of the run are gone. */
  cancel: () => void
}

export type RunEngine = {
  start: (request: unknown, options: RunOptions) => Run
  find: (runId: string) => Promise<RunSummary | null>
  list: (options?: { limit?: number; after?: string }) => Promise<RunPage>
  /** Answers the open question of a run; null is "no answer". Throws a `RunRefusal`. */
  answer: (runId: string, answers: Answers | null) => Promise<void>
  /** Requests cancellation of a run, including one that another process watches. */
  cancel: (runId: string) => Promise<void>
  /**
   * Yields the events of a run to an additional reader: the current state and later events; with `after`,
   * every stored event since that `seq`. Ends with the run, or when the reader does not keep up.
   */
  events: (
    runId: string,
    options: { after?: number; signal: AbortSignal },
  ) => AsyncIterable<RunEvent>
}

type Live = Watching & { digest: string; result: Promise<RunResult>; cancel: () => void }

/** Runs prompts for every surface: one lease, one store, one way to start and to end. */
export function createRunEngine(parts: RunEngineParts): RunEngine {
  const { store, now } = parts
  const live = new Map<string, Live>()

  function start(input: unknown, options: RunOptions): Run {
    const request = parseRequest(input)
    const digest = digestOf(request)
    const id = RunId.parse(options.runId ?? idOf(options))
    const same = live.get(id)
    if (same) {
      if (same.digest !== digest) throw keyReused()
      const { hub, result, cancel } = same
      return { id, events: hub.read({ whenFull: 'close' }), result, cancel }
    }
    const controller = new AbortController()
    const cancel = () => controller.abort(new Error('cancelled'))
    if (options.signal?.aborted) cancel()
    options.signal?.addEventListener('abort', cancel, { once: true })
    const hub = createHub({ now })
    const events = hub.read({ whenFull: 'wait' })
    const run = { ...options, request, digest, id, signal: controller.signal }
    const entry: Live = { hub, digest, cancel, result: Promise.reject(new Error('not started')) }
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
    return { id, events, result: entry.result, cancel }
  }

  /** Returns the stored run of an idempotency key, or starts a new one. */
  async function keptOrNew(run: Watched, entry: Live): Promise<RunResult> {
    const kept = run.idempotencyKey === undefined ? null : await store.summary(run.id)
    if (!kept) return watchRun(parts, run, entry)
    if (kept.requestDigest !== run.digest) throw keyReused()
    for (;;) {
      const stored = await store.read(run.id)
      if (!stored) throw unknownRun(run.id)
      if (stored.result) return stored.result
      await sleep(pollMilliseconds, undefined, { signal: run.signal })
    }
  }

  async function find(runId: string) {
    return RunId.safeParse(runId).success ? store.summary(runId) : null
  }

  return {
    start,
    find,
    list: options => store.list(options),

    async answer(runId, answers) {
      const run = await find(runId)
      if (!run) throw unknownRun(runId)
      const { question } = run
      if (!question) throw notWaiting(runId)
      if (answers) checkAnswers(question.questions, answers)
      const asking = live.get(runId)?.asking
      if (!asking) return store.sendAnswer(runId, question.id, answers)
      if (!asking.answer(question.id, answers)) throw notWaiting(runId)
    },

    async cancel(runId) {
      if (!(await find(runId))) throw unknownRun(runId)
      const here = live.get(runId)
      if (here) here.cancel()
      else await store.requestCancel(runId)
    },

    async *events(runId, { after, signal }) {
      const here = live.get(runId)
      if (!here) {
        let seq = 0
        for await (const event of store.events(runId, { follow: signal })) {
          seq = event.seq
          if (seq > (after ?? 0)) yield event
        }
        const result = (await store.read(runId))?.result
        if (result) yield { kind: 'ended', result, seq: seq + 1, at: result.endedAt }
        return
      }
      if (after === undefined) return yield* here.hub.read({ whenFull: 'close' })
      // Subscribed before the stored events are read, so that none is missed in between.
      const until = here.hub.lastSeq()
      const later = here.hub.read({ whenFull: 'close', state: false })
      await here.log?.flush()
      for await (const event of store.events(runId)) {
        if (event.seq > after && event.seq <= until) yield event
      }
      yield* later
    },
  }
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

function unknownRun(runId: string) {
  return new RunRefusal('unknown-run', `no run ${runId.slice(0, 40)}`)
}

function notWaiting(runId: string) {
  return new RunRefusal('not-waiting', `run ${runId} does not wait for an answer`)
}
