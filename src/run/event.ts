import type { RunResult } from './result.ts'
import type { ClaudeMessage } from './runner-protocol.ts'

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
  | { kind: 'ended'; result: RunResult }
