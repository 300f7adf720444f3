import * as z from 'zod'
import { StoredFailure } from './failure.ts'

/** How a run ended. `interrupted`: the process that watched the run died, and the run with it. */
export const RunStatus = z.enum(['succeeded', 'failed', 'cancelled', 'timed-out', 'interrupted'])
export type RunStatus = z.infer<typeof RunStatus>

const Content = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.unknown() }),
  z.object({
    type: z.literal('tool_result'),
    toolUseId: z.string(),
    isError: z.boolean(),
    content: z.string(),
    /** True when cut at 2000 characters; `totalLength` and `sha256` are those of the whole content. */
    truncated: z.literal(true).optional(),
    totalLength: z.number().optional(),
    sha256: z.string().optional(),
  }),
])

/** One step of a run, in the form of claudebox's json-verbose (v1.14). */
export const Turn = z.object({
  role: z.enum(['assistant', 'tool_result']),
  content: z.array(Content),
})
export type Turn = z.infer<typeof Turn>

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
export function validated(
  result: RunResult,
  validate: ((value: unknown) => string | null) | null,
): RunResult {
  if (!validate || result.status !== 'succeeded') return result
  const given = result.claude !== null && 'structured_output' in result.claude
  const problem = given ? validate(result.claude?.structured_output) : null
  if (given && problem === null) return result
  return { ...result, status: 'failed', error: { code: 'schema-mismatch', problem } }
}
