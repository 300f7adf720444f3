/** Lets one holder of a key go on at a time, in the order of their calls. */
export type Turns = {
  /** Waits for the key, and returns the function that gives it back. */
  take: (key: string) => Promise<() => void>
}

/** Creates turns for short critical sections: a holder must not wait for a client. */
export function createTurns(): Turns {
  const last = new Map<string, Promise<void>>()
  return {
    take: async key => {
      const earlier = last.get(key)
      const { promise, resolve } = withResolver()
      last.set(key, promise)
      await earlier
      return () => {
        if (last.get(key) === promise) last.delete(key)
        resolve()
      }
    },
  }
}

function withResolver() {
  let resolve = () => {}
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}
