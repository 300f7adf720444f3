import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../base/errors.ts'
import type { createCollector, RunEnding } from './collect.ts'
import { RunRefusal } from './failure.ts'
import type { QuestionBroker } from './question-broker.ts'
import type { RunRequest } from './request.ts'
import type { RunEventBody } from './result.ts'
import type { RunnerEvent } from './runner-protocol.ts'
import type { RunConnection, RunTransport } from './transport.ts'

export type Patience = {
  /** Beyond the run's own timeout, before the runner counts as dead. */
  beyondTimeout: number
  /** For the runner to confirm that a cancelled run is gone. */
  cancel: number
  /** For the runner to end a run whose client is gone. */
  busy: number
}

const defaults: Patience = { beyondTimeout: 10_000, cancel: 15_000, busy: 10_000 }
const busyPoll = 250

/** Aborts the signal of a run whose process stops. */
export class Interruption extends Error {}

/** The ending of a run that was cancelled before the runner received it. */
export const neverStarted: RunEnding = {
  kind: 'ended',
  outcome: 'cancelled',
  exitCode: null,
  signal: null,
  swept: 0,
}

/** A run that holds its workspace. */
type Watched = {
  request: RunRequest
  id: string
  workspace: string
  wait?: boolean
  asks: boolean
  questionSeconds: number
  onConnected?: (send: RunConnection['send']) => void
  signal: AbortSignal
}
/** Receives the events of a run. */
export type RunWatch = {
  collector: ReturnType<typeof createCollector>
  startedAt: string
  broker: QuestionBroker
  publish: (happening: RunEventBody) => Promise<void>
  /** Called when the runner is given up: events no longer wait for a reader. */
  hurry: () => void
}

/** Follows a run from the request to the runner's last event; returns an ending even without that event. */
export async function follow(
  { transport, patience: given }: { transport: RunTransport; patience?: Partial<Patience> },
  run: Watched,
  { collector, startedAt, broker, publish, hurry }: RunWatch,
): Promise<RunEnding> {
  const patience = { ...defaults, ...given }
  const { request, id: runId, workspace, signal } = run
  const busyUntil = Date.now() + patience.busy
  for (;;) {
    if (signal.aborted) return endedBy(signal, neverStarted)
    const connection = await transport.open({
      version: 1,
      runId,
      workspace,
      request,
      asks: run.asks,
      questionSeconds: run.questionSeconds,
    })
    run.onConnected?.(connection.send)
    const watch = watchTime(connection, run, { ...patience, onGivenUp: hurry })
    try {
      const last = await readAll(connection, event => {
        switch (event.kind) {
          case 'started':
            collector.started(event)
            return publish({
              kind: 'started',
              runId,
              workspace,
              sessionId: event.sessionId,
              warm: event.warm,
              startedAt,
            })
          case 'claude':
            collector.add(event.message)
            return publish(event)
          case 'notice':
            return publish(event)
          case 'question':
            return broker.opened(event, connection.send)
          case 'question-closed':
            return broker.closed(event)
          default:
            return event satisfies never
        }
      })
      if (last.kind !== 'refused') return watch.judge(last)
      // We hold the lease, so the runner is busy with a run whose watcher died, which ends soon.
      if (last.reason !== 'busy' || (Date.now() > busyUntil && !run.wait)) {
        throw new RunRefusal(last.reason, last.message)
      }
    } finally {
      watch.stop()
      connection.close()
    }
    await sleep(busyPoll, undefined, { signal }).catch(() => {})
  }
}

/** Returns the ending of a cancelled run, or `interrupted` if its process stops and no one cancelled it. */
function endedBy(signal: AbortSignal, ending: RunEnding): RunEnding {
  const isCancelled = ending.kind === 'ended' && ending.outcome === 'cancelled'
  return isCancelled && signal.reason instanceof Interruption ? { kind: 'interrupted' } : ending
}

type Last = Extract<RunnerEvent, { kind: 'ended' | 'refused' }> | { kind: 'lost'; reason: string }

async function readAll(
  { events }: RunConnection,
  each: (event: Exclude<RunnerEvent, { kind: 'ended' | 'refused' }>) => Promise<void>,
): Promise<Last> {
  try {
    for await (const event of events) {
      if (event.kind === 'ended' || event.kind === 'refused') return event
      await each(event)
    }
    return { kind: 'lost', reason: 'it ended before the run did' }
  } catch (error) {
    return { kind: 'lost', reason: messageOf(error) }
  }
}

/** Cancels on the signal, and gives up on a runner that does not end the run in time. */
function watchTime(
  connection: RunConnection,
  { request, signal }: Watched,
  patience: Patience & { onGivenUp: () => void },
) {
  let givenUp: RunEnding | null = null
  let cancelTimer: NodeJS.Timeout | undefined
  const giveUp = (ending: RunEnding) => {
    givenUp ??= ending
    patience.onGivenUp()
    connection.close()
  }
  const after = request.timeoutSeconds * 1000 + patience.beyondTimeout
  const timer = setTimeout(() => giveUp({ kind: 'given-up', after: after / 1000 }), after)
  const cancel = () => {
    connection.cancel()
    cancelTimer = setTimeout(() => giveUp({ kind: 'unconfirmed' }), patience.cancel)
  }
  if (signal.aborted) cancel()
  else signal.addEventListener('abort', cancel, { once: true })
  return {
    judge: (last: Exclude<Last, { kind: 'refused' }>): RunEnding => {
      // We did not request this: the runner cancels its runs when its container stops.
      const unasked = last.kind === 'ended' && last.outcome === 'cancelled' && !signal.aborted
      if (unasked) return { kind: 'stopped' }
      if (last.kind !== 'lost') return endedBy(signal, last)
      // Only the runner knows that a cancelled run is gone: without its word the run may go on.
      return givenUp ?? (signal.aborted ? { kind: 'unconfirmed' } : last)
    },
    stop() {
      clearTimeout(timer)
      clearTimeout(cancelTimer)
      signal.removeEventListener('abort', cancel)
    },
  }
}
