import type { Question } from './question.ts'
import type { RunResult } from './result.ts'
import type { ClaudeMessage, RunnerEvent } from './runner-protocol.ts'

/** What a surface sees of a run, in order. The first is `started`, the last `ended`. */
export type RunEvent =
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
  | {
      kind: 'question'
      id: string
      questions: readonly Question[]
      /** ISO 8601. Without an answer by then, the model is told that there is none. */
      deadline: string
    }
  | Extract<RunnerEvent, { kind: 'question-closed' }>
  | { kind: 'ended'; result: RunResult }
