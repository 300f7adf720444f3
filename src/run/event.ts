import type { OpenQuestion } from './question.ts'
import type { RunResult } from './result.ts'
import type { ClaudeMessage, RunnerEvent } from './runner-protocol.ts'

export type RunEventBody =
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
export type RunEvent = RunEventBody & { seq: number; at: string }
