export type Deferred<T> = { promise: Promise<T>; resolve: (value: T) => void }

/** Returns a promise with its `resolve` function; Node 20 has no `Promise.withResolvers`. */
export function createDeferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}
