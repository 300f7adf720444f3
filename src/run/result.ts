import * as z from 'zod'
import { StoredFailure } from './failure.ts'
import type { Validate } from './json-schema.ts'
import type { OpenQuestion } from './question.ts'
import type { ClaudeMessage, RunnerEvent } from './runner-protocol.ts'
import { Turn } from './turns.ts'

/** The final status of a run. `interrupted`: the process that watched the run died, and the run with it. */
export const RunStatus = z.enum(['succeeded', 'failed', 'cancelled', 'timed-out', 'interrupted'])
export type RunStatus = z.infer<typeof RunStatus>

/** The complete outcome of a run, in its stored form. */
export const RunResult = z.object({
  runId: z.string(),
  /** Absolute path in the worker. */
  workspace: z.string(),
  status: RunStatus,
  sessionId: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string(),
  /** Null when it succeeded. */
  error: StoredFailure.nullable(),
  /** Claude Code's own result object with its own keys; null when there is none. */
  claude: z.record(z.string(), z.unknown()).nullable(),
  turns: z.array(Turn),
  system: z
    .object({
      sessionId: z.string(),
      model: z.string(),
      cwd: z.string(),
      tools: z.array(z.string()),
    })
    .nullable(),
  /** The meter under which the gateway counted the run. */
  meter: z.string().nullable(),
  /** The cost of this run alone, as Claude Code counts it. */
  costUsd: z.number().nullable(),
})
export type RunResult = z.infer<typeof RunResult>

/** Turns a success whose structured answer does not match its schema into a failure. */
export async function validated(result: RunResult, validate: Validate | null): Promise<RunResult> {
  if (!validate || result.status !== 'succeeded') return result
  const given = result.claude !== null && 'structured_output' in result.claude
  const problem = given ? await validate(result.claude?.structured_output) : null
  if (given && problem === null) return result
  return { ...result, status: 'failed', error: { code: 'schema-mismatch', problem } }
}

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
