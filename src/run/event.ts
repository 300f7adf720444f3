import type { Question } from './question.ts'
import type { RunResult } from './result.ts'
import type { ClaudeMessage, RunnerEvent } from './runner-protocol.ts'

/** A question that waits for an answer. */
export type OpenQuestion = {
  id: string
  questions: readonly Question[]
  /** ISO 8601. Without an answer by then, the model is told that there is none. */
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
 * A run's event for its readers, in order: the first is `started`, the last `ended`. `seq` grows from 1
 * and has gaps where stored events leave pieces of messages out; `at` is ISO 8601.
 */
export type RunEvent = RunHappening & { seq: number; at: string }
