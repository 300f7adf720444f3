import { until } from '../base/async.ts'
import { RunRefusal } from './failure.ts'
import { RunId } from './ids.ts'
import { type Answers, checkAnswers } from './question.ts'
import type { RunEvent, RunResult } from './result.ts'
import type { RunPage, RunStore, RunSummary } from './store/store.ts'
import type { Watching } from './watch.ts'

const pollMilliseconds = 200

/** The runs of one store, whichever process watches them. Everything that a surface asks after a start. */
export type Runs = {
  /** Returns a run without its turns, also while it runs or waits for an answer; null for an unknown id. */
  find: (runId: string) => Promise<RunSummary | null>
  list: (options?: { limit?: number; after?: string }) => Promise<RunPage>
  /** Returns the complete result; null while the run has not ended, and for an unknown id. */
  result: (runId: string) => Promise<RunResult | null>
  /** Yields the stored events, without `ended`; with `follow`, also later ones until the run ends. */
  log: (runId: string, options?: { follow: AbortSignal }) => AsyncIterable<RunEvent>
  /**
   * Yields the events of a run to an additional reader: the current state and later events; with `after`,
   * every stored event since that `seq`. Ends with the run, or when the reader does not keep up.
   */
  events: (
    runId: string,
    options: { after?: number; signal: AbortSignal },
  ) => AsyncIterable<RunEvent>
  /**
   * Answers the open question of a run; null is "no answer". Throws a `RunRefusal`, also when `question` names
   * another one: the model may have asked again, with the same words, since a person saw it.
   */
  answer: (runId: string, answers: Answers | null, question?: string) => Promise<void>
  /** Requests cancellation. The run ends once all its processes are gone. Throws a `RunRefusal`. */
  cancel: (runId: string) => Promise<void>
  /** Waits for the end of a run. False once `timeout` milliseconds have passed; throws when `signal` fires. */
  ended: (runId: string, options: { timeout?: number; signal: AbortSignal }) => Promise<boolean>
}

/** A run that this process watches. */
export type LiveRun = Watching & { cancel: () => void }

/** Reads and directs the runs of `store`; `live` has the runs that this process watches itself. */
export function createRuns(
  store: RunStore,
  live: Pick<ReadonlyMap<string, LiveRun>, 'get'> = new Map(),
): Runs {
  async function find(runId: string) {
    return RunId.safeParse(runId).success ? store.summary(runId) : null
  }

  async function result(runId: string) {
    return RunId.safeParse(runId).success ? ((await store.read(runId))?.result ?? null) : null
  }

  return {
    find,
    result,
    list: options => store.list(options),
    log: (runId, options) => store.events(runId, options),

    async answer(runId, answers, shown) {
      const run = await find(runId)
      if (!run) throw unknownRun(runId)
      const broker = live.get(runId)?.broker
      // A full disk may have lost the stored one.
      const question = broker?.open() ?? run.question
      if (!question || (shown !== undefined && shown !== question.id)) throw notWaiting(runId)
      if (answers) checkAnswers(question.questions, answers)
      if (!broker) return store.sendAnswer(runId, question.id, answers)
      if (!broker.answer(question.id, answers)) throw notWaiting(runId)
    },

    async cancel(runId) {
      if (!(await find(runId))) throw unknownRun(runId)
      const here = live.get(runId)
      if (here) here.cancel()
      else await store.requestCancel(runId)
    },

    async ended(runId, { timeout, signal }) {
      // A run that was removed from the store has ended too.
      const isOver = async () => (await find(runId))?.endedAt !== null
      return (await until(isOver, { every: pollMilliseconds, timeout, signal })) ?? false
    },

    async *events(runId, { after, signal }) {
      const here = live.get(runId)
      if (!here) {
        let seq = 0
        for await (const event of store.events(runId, { follow: signal })) {
          seq = event.seq
          if (seq > (after ?? 0)) yield event
        }
        const ended = await result(runId)
        if (ended) yield { kind: 'ended', result: ended, seq: seq + 1, at: ended.endedAt }
        return
      }
      if (after === undefined) return yield* here.hub.read({ whenFull: 'close', signal })
      // Subscribed before the stored events are read, so that none is missed in between.
      const last = here.hub.lastSeq()
      const gone = new AbortController()
      const either = AbortSignal.any([signal, gone.signal])
      const later = here.hub.read({ whenFull: 'close', state: false, signal: either })
      try {
        await here.log?.flush()
        for await (const event of store.events(runId)) {
          if (event.seq > after && event.seq <= last) yield event
        }
        yield* later
      } finally {
        // A reader that leaves before this never started `later`.
        gone.abort()
      }
    },
  }
}

export function unknownRun(runId: string) {
  return new RunRefusal('unknown-run', `no run ${runId.slice(0, 40)}`)
}

function notWaiting(runId: string) {
  return new RunRefusal('not-waiting', `run ${runId} does not wait for an answer`)
}
