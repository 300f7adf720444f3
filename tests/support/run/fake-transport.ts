import type { RunnerEvent, RunnerRequest } from '../../../src/run/runner-protocol.ts'
import type { RunLog, RunRecord, RunStore } from '../../../src/run/store/store.ts'
import type { RunTransport } from '../../../src/run/transport.ts'
import { transcript } from './transcript.ts'

export const started: RunnerEvent = {
  kind: 'started',
  sessionId: '11111111-1111-4111-8111-111111111111',
  warm: false,
  meter: '0011223344556677',
}

export function ended(
  outcome: 'completed' | 'cancelled' | 'timed-out' | 'failed' = 'completed',
): RunnerEvent {
  return { kind: 'ended', outcome, exitCode: 0, signal: null, swept: 0 }
}

/** A run as the transcript says. */
export function eventsOf(name: string): RunnerEvent[] {
  const messages = transcript(name).map(message => ({ kind: 'claude', message }) as const)
  return [started, ...messages, ended()]
}

/** Plays `answers`, one for each time it is opened; a function decides at the end what comes of a cancel. */
export function fakeTransport(
  ...answers: (
    | readonly RunnerEvent[]
    | { events: readonly RunnerEvent[]; onCancel: RunnerEvent | null }
  )[]
) {
  const requests: RunnerRequest[] = []
  const seen = { cancelled: 0, closed: 0, delivered: 0 }
  const transport: RunTransport = {
    async open(request) {
      const answer = answers[Math.min(requests.length, answers.length - 1)] ?? []
      requests.push(request)
      const { events, onCancel } =
        'events' in answer ? answer : { events: answer, onCancel: undefined }
      let wake = () => {}
      let state: 'open' | 'cancelled' | 'closed' = 'open'
      const changed = () =>
        new Promise<void>(resolve => {
          wake = resolve
        })
      return {
        events: (async function* () {
          for (const event of events) {
            seen.delivered++
            yield event
          }
          if (onCancel === undefined) return
          while (state === 'open' || (state === 'cancelled' && !onCancel)) await changed()
          if (state === 'cancelled' && onCancel) yield onCancel
        })(),
        cancel() {
          seen.cancelled++
          if (state === 'open') state = 'cancelled'
          wake()
        },
        close() {
          seen.closed++
          state = 'closed'
          wake()
        },
      }
    },
  }
  return { transport, requests, seen }
}

/** Keeps runs in memory. */
export function memoryStore() {
  const runs = new Map<string, { record: RunRecord; log: string[]; cancel: () => void }>()
  const store: Pick<RunStore, 'create'> = {
    async create(record): Promise<RunLog> {
      const run = { record, log: [] as string[], cancel: () => {} }
      runs.set(record.runId, run)
      return {
        onCancel(cancel) {
          run.cancel = cancel
        },
        async append(event) {
          run.log.push(event.kind)
        },
        async finish(result) {
          run.log.push(result.status)
        },
        async discard() {
          runs.delete(record.runId)
        },
      }
    },
  }
  return { store: store as RunStore, runs }
}
