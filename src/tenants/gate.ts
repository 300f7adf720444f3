import { createDeferred } from '../base/async.ts'

/** Does work of which a bounded number goes on at once; the rest waits in the order in which it came. */
export type Gate = <T>(work: () => Promise<T>) => Promise<T>

export function createGate(limit: number): Gate {
  const waiting: (() => void)[] = []
  let open = 0

  return async work => {
    if (open < limit) open += 1
    else {
      const turn = createDeferred<void>()
      waiting.push(() => turn.resolve())
      await turn.promise
    }
    try {
      return await work()
    } finally {
      // The place goes to the next one at once, so that no newcomer takes it.
      const next = waiting.shift()
      if (next) next()
      else open -= 1
    }
  }
}
