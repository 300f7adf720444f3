import type { RunEvent } from '../../run/result.ts'
import { parseStoredEvent } from '../../run/store/run-files.ts'
import type { LiveRun } from './live-run.ts'
import type { Statements } from './statements.ts'

const pageEvents = 64
/** One event may be larger. */
const pageBytes = 256 * 1024

/** Yields the stored events of a run; with `follow`, also later ones until it ends or the signal fires. */
export async function* storedEvents(
  {
    statements,
    live,
  }: { statements: Pick<Statements, 'events' | 'eventSizes'>; live: () => LiveRun | undefined },
  id: number,
  follow?: AbortSignal,
): AsyncGenerator<RunEvent> {
  const aborted = new Promise<void>(resolve => {
    follow?.addEventListener('abort', () => resolve(), { once: true })
  })
  let seq = 0
  while (!follow?.aborted) {
    // Looked at before reading, so that the last read gets everything that was stored before the end.
    const change = live()?.change()
    for (let isMore = true; isMore && !follow?.aborted; ) {
      const sizes = statements.eventSizes.all(id, seq, pageEvents)
      const count = countWithin(sizes.map(({ bytes }) => Number(bytes)))
      const rows = statements.events.all(id, seq, count)
      isMore = count < sizes.length || count === pageEvents
      for (const row of rows) {
        seq = Number(row.seq)
        const event = parseStoredEvent(String(row.body), { seq, at: '' })
        if (event) yield event
      }
    }
    if (!follow || !change) return
    await Promise.race([change, aborted])
  }
}

/** Returns how many of the next events are one page: all streams together must not hold whole logs (threat M6). */
function countWithin(sizes: readonly number[]): number {
  let sum = 0
  const over = sizes.findIndex(bytes => {
    sum += bytes
    return sum > pageBytes
  })
  return over === -1 ? sizes.length : Math.max(over, 1)
}
