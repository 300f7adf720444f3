import type { OpenQuestion } from '../../../src/run/question.ts'
import type { RunEvent, RunResult } from '../../../src/run/result.ts'
import type { RunnerEvent, RunnerInput, RunnerRequest } from '../../../src/run/runner-protocol.ts'
import {
  endedSummary,
  type RunLog,
  type RunRecord,
  type RunStore,
} from '../../../src/run/store/store.ts'
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
    | { events: readonly RunnerEvent[]; onCancel: RunnerEvent | 'lost' | null }
  )[]
) {
  const requests: RunnerRequest[] = []
  const seen = { cancelled: 0, closed: 0, delivered: 0, sent: [] as RunnerInput[] }
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
          if (state === 'cancelled' && onCancel && onCancel !== 'lost') yield onCancel
        })(),
        send(input) {
          seen.sent.push(input)
        },
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

/** Asks `question`, and ends when it is answered. */
export function askingTransport(question: Extract<RunnerEvent, { kind: 'question' }>) {
  const sent: RunnerInput[] = []
  const requests: RunnerRequest[] = []
  const transport: RunTransport = {
    async open(request) {
      requests.push(request)
      let answered = (_: RunnerInput) => {}
      const answer = new Promise<RunnerInput>(resolve => {
        answered = resolve
      })
      return {
        events: (async function* (): AsyncGenerator<RunnerEvent> {
          yield started
          yield question
          const input = await answer
          const given = input.kind === 'answer' && input.answers !== null
          yield {
            kind: 'question-closed',
            id: question.id,
            outcome: given ? 'answered' : 'unanswered',
          }
          yield* eventsOf('text').slice(1)
        })(),
        send(input) {
          sent.push(input)
          answered(input)
        },
        cancel: () => answered({ kind: 'cancel' }),
        close: () => answered({ kind: 'cancel' }),
      }
    },
  }
  return { transport, requests, sent }
}

type MemoryRun = {
  record: RunRecord
  log: string[]
  events: RunEvent[]
  question: OpenQuestion | null
  result: RunResult | null
  cancel: () => void
}

/** Keeps runs in memory. */
export function memoryStore() {
  const runs = new Map<string, MemoryRun>()
  const store: RunStore = {
    async create(record): Promise<RunLog> {
      const run: MemoryRun = {
        ...{ record, log: [], events: [], question: null, result: null },
        cancel: () => {},
      }
      runs.set(record.runId, run)
      return {
        onCancel(cancel) {
          run.cancel = cancel
        },
        onAnswer() {},
        async setQuestion(question) {
          run.question = question
        },
        async append(event) {
          run.log.push(event.kind)
          run.events.push(event)
        },
        async flush() {},
        async finish(result) {
          run.log.push(result.status)
          run.result = result
        },
        async discard() {
          runs.delete(record.runId)
        },
      }
    },
    async read(runId) {
      const run = runs.get(runId)
      return run ? { ...run.record, result: run.result } : null
    },
    async summary(runId) {
      const run = runs.get(runId)
      if (!run) return null
      if (run.result) return endedSummary(run.record, run.result)
      const none = { endedAt: null, sessionId: null, costUsd: null, error: null }
      const state = run.question ? 'waiting' : 'running'
      return { ...run.record, ...none, state, question: run.question }
    },
    async list() {
      const found = await Promise.all([...runs.keys()].map(id => store.summary(id)))
      return { runs: found.filter(run => run !== null), next: null }
    },
    async *events(runId) {
      yield* runs.get(runId)?.events ?? []
    },
    async requestCancel(runId) {
      runs.get(runId)?.cancel()
    },
    async sendAnswer() {},
  }
  return { store, runs }
}
