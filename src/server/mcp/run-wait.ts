import type { RunEngine } from '../../run/engine.ts'
import type { OpenQuestion } from '../../run/question.ts'
import type { RunResult } from '../../run/result.ts'
import type { RunSummary } from '../../run/store/store.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { Progress } from './progress.ts'

/** The state of a run when the time to wait for it is over. */
export type Outcome =
  | { kind: 'ended'; result: RunResult }
  | { kind: 'waiting'; run: RunSummary; question: OpenQuestion }
  | { kind: 'running'; run: RunSummary }

/** Waits until a run has ended, asks a question, or the time is over. Throws when `signal` fires. */
export async function waitForRun(
  engine: RunEngine,
  runId: string,
  options: {
    seconds: number
    signal: AbortSignal
    progress: Progress
    /** Id of a question that was answered: it stays open until the run has taken its answer. */
    answered?: string | undefined
  },
): Promise<Outcome> {
  const { seconds, signal, progress, answered } = options
  const timer = new AbortController()
  const timeout = setTimeout(() => timer.abort(), seconds * 1_000)
  try {
    for (;;) {
      const run = await engine.find(runId)
      if (!run) throw new HttpError(404, 'run not found')
      if (run.endedAt !== null) {
        const result = await engine.result(runId)
        if (!result) throw new HttpError(404, 'run not found')
        return { kind: 'ended', result }
      }
      if (run.question && run.question.id !== answered)
        return { kind: 'waiting', run, question: run.question }
      if (timer.signal.aborted) return { kind: 'running', run }
      const either = AbortSignal.any([signal, timer.signal])
      const question = await nextQuestion(engine, runId, { signal: either, progress, answered })
      signal.throwIfAborted()
      if (question) return { kind: 'waiting', run, question }
    }
  } finally {
    clearTimeout(timeout)
    progress.stop()
  }
}

/** Reads events until one is a question; null when the run ended, or the reader fell behind. */
async function nextQuestion(
  engine: RunEngine,
  runId: string,
  options: { signal: AbortSignal; progress: Progress; answered: string | undefined },
): Promise<OpenQuestion | null> {
  const { signal, progress, answered } = options
  for await (const event of engine.events(runId, { signal })) {
    progress.tell(event)
    if (event.kind === 'question' && event.id !== answered) return event
  }
  return null
}
