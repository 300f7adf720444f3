import type { Question } from './question.ts'
import type { RunResult } from './result.ts'
import type { ClaudeMessage, RunnerEvent } from './runner-protocol.ts'

/** A question waiting for an answer. */
export type OpenQuestion = {
  id: string
  questions: readonly Question[]
  /** ISO 8601. After it, the model is told that there is no answer. */
  deadline: string
}

export type RunHappening =
  | {
      kind: 'started'
      runId: string
      workspace: string
      sessionId: string
      warm: boolean
      /** ISO 8601. */
      startedAt: string
    }
  | { kind: 'claude'; message: ClaudeMessage }
  | { kind: 'notice'; text: string }
  | ({ kind: 'question' } & OpenQuestion)
  | Extract<RunnerEvent, { kind: 'question-closed' }>
  | { kind: 'ended'; result: RunResult }

/**
 * A run's event for its readers, in order: the first is `started`, the last `ended`. `seq` grows from 1,
 * with gaps in stored events where partial messages are left out; `at` is ISO 8601.
 */
export type RunEvent = RunHappening & { seq: number; at: string }
