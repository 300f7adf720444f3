import { createCollector } from '../collect.ts'
import type { RunEvent, RunResult } from '../result.ts'
import type { RunRecord } from './store.ts'

/** Builds the result of a run whose watching process died, from what it stored. */
export async function interruptedResult(
  record: RunRecord,
  events: AsyncIterable<RunEvent>,
): Promise<RunResult> {
  const collector = createCollector({ ...record, timeoutSeconds: 0 })
  for await (const event of events) {
    if (event.kind === 'started') collector.started({ sessionId: event.sessionId, meter: null })
    if (event.kind === 'claude') collector.add(event.message)
  }
  return collector.result({ kind: 'interrupted' }, new Date().toISOString())
}
