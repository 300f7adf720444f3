import { createDeferred } from '../base/async.ts'
import type { Run } from '../run/engine.ts'
import type { RunEvent } from '../run/result.ts'

/** Takes an event of a run. The run waits for it. */
export type TakeEvent = (event: RunEvent) => Promise<void> | void

/** Reads the run's events, so that none is held for a reader that never comes. */
export function readEvents({ events }: Pick<Run, 'events'>, onEvent: TakeEvent | null) {
  const started = createDeferred<void>()
  const readAll = async () => {
    for await (const event of events) {
      if (event.kind === 'started') started.resolve()
      await onEvent?.(event)
    }
  }
  // A reader that fails lets the run go on without it.
  const read = readAll().catch(() => {})
  void read.then(started.resolve)
  return { started: started.promise, read }
}
