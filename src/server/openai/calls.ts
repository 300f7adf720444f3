import type { Outcome } from './legs.ts'

/** A part of a run, and the requests that wait for its end. */
export type Call = {
  runId: string
  outcome: Promise<Outcome>
  cancel: () => void
}

/** Leaves out what no answer needs: a run can have many megabytes of turns. */
function withoutTurns(outcome: Outcome): Outcome {
  if (outcome.kind !== 'ended') return outcome
  return { ...outcome, result: { ...outcome.result, turns: [] } }
}

export type Joined = {
  /** Fires when the client of the request leaves. */
  left: AbortSignal
  /** Returns whether the client may ask again with the same request. */
  mayRetry: () => boolean
}

/** Time for which an ended call answers a retry. */
const keptMilliseconds = 600_000

/** Maximum number of calls that are kept. */
const mostKept = 200

/**
 * Keeps the runs of clients that repeat a request by themselves, so that a retry waits for the first run instead
 * of starting a second. A run is cancelled when all its clients have left.
 */
export function createCalls({ retryMilliseconds }: { retryMilliseconds: number }) {
  const kept = new Map<string, Call>()
  const waiting = new WeakMap<Call, number>()

  function forget(digest: string, call: Call) {
    if (kept.get(digest) === call) kept.delete(digest)
  }

  return {
    /** Returns the call that a retry repeats. */
    find: (digest: string): Call | null => kept.get(digest) ?? null,

    keep(digest: string, call: Call) {
      kept.delete(digest)
      kept.set(digest, call)
      const [oldest] = kept.keys()
      if (kept.size > mostKept && oldest !== undefined) kept.delete(oldest)
      call.outcome.then(
        outcome => {
          call.outcome = Promise.resolve(withoutTurns(outcome))
          // After a cancel, the same request is a new one.
          if (outcome.kind === 'ended' && outcome.result.status === 'cancelled')
            return forget(digest, call)
          setTimeout(() => forget(digest, call), keptMilliseconds).unref()
        },
        // It was refused: no run has begun.
        () => forget(digest, call),
      )
    },

    /** Adds a request that waits for the call; the last one that leaves cancels it. */
    join(call: Call, { left, mayRetry }: Joined) {
      waiting.set(call, (waiting.get(call) ?? 0) + 1)
      const cancelIfAlone = () => {
        if (waiting.get(call) === 0) call.cancel()
      }
      const leave = () => {
        waiting.set(call, (waiting.get(call) ?? 1) - 1)
        if (mayRetry()) setTimeout(cancelIfAlone, retryMilliseconds).unref()
        else cancelIfAlone()
      }
      if (left.aborted) leave()
      else left.addEventListener('abort', leave, { once: true })
    },
  }
}
export type Calls = ReturnType<typeof createCalls>
