import { setTimeout as sleep } from 'node:timers/promises'

export type Deferred<T> = { promise: Promise<T>; resolve: (value: T) => void }

/** Returns a promise with its `resolve` function; Node 20 has no `Promise.withResolvers`. */
export function createDeferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}

export type UntilOptions = {
  /** Milliseconds between two checks. */
  every: number
  /** Milliseconds after which no further check starts. The first check always happens. */
  timeout?: number | undefined
  signal?: AbortSignal | undefined
  /** For tests: milliseconds that only grow. */
  now?: () => number
  /** For tests: waits so many milliseconds, and rejects when the signal fires. */
  pause?: (milliseconds: number, signal: AbortSignal | undefined) => Promise<unknown>
}

/**
 * Calls `check` until it returns something other than null, undefined or false, and returns that.
 * Returns null once the timeout has passed. Throws the signal's reason when it fires, and any error of
 * `check`.
 */
export async function until<T>(
  check: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  { every, timeout, signal, now = () => performance.now(), pause = wait }: UntilOptions,
): Promise<T | null> {
  const deadline = timeout === undefined ? null : now() + timeout
  for (;;) {
    signal?.throwIfAborted()
    const found = await check()
    if (found !== null && found !== undefined && found !== false) return found
    const left = deadline === null ? every : deadline - now()
    if (left <= 0) return null
    try {
      await pause(Math.min(every, left), signal)
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  }
}

function wait(milliseconds: number, signal: AbortSignal | undefined) {
  return sleep(milliseconds, undefined, { signal })
}

/**
 * Runs `work` for each item, at most `limit` at a time, and keeps the order of the results. A failed
 * item does not stop the others.
 */
export async function settleConcurrently<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = []
  const queue = items.entries()
  const takeTurns = async () => {
    for (const [index, item] of queue) {
      const [result] = await Promise.allSettled([work(item)])
      results[index] = result
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, takeTurns))
  return results
}
