import type { RunEvent } from '../../run/result.ts'
import { parseStoredEvent } from '../../run/store/run-files.ts'
import type { LiveRun } from './live-run.ts'
import type { Statements } from './statements.ts'

const pageEvents = 64

/** Yields the stored events of a run; with `follow`, also later ones until it ends or the signal fires. */
export async function* storedEvents(
  { statements, live }: { statements: Statements; live: () => LiveRun | undefined },
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
      const rows = statements.events.all(id, seq, pageEvents)
      isMore = rows.length === pageEvents
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
