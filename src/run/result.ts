import * as z from 'zod'

const status = ['succeeded', 'failed', 'cancelled', 'timed-out', 'interrupted'] as const

const Content = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), text: z.string() }),
  z.object({ type: z.literal('tool_use'), id: z.string(), name: z.string(), input: z.unknown() }),
  z.object({
    type: z.literal('tool_result'),
    toolUseId: z.string(),
    isError: z.boolean(),
    content: z.string(),
    /** Of the whole content, where it was cut at 2000 characters. */
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

/** How a run ended, in the form in which it is stored. */
export const RunResult = z.object({
  runId: z.string(),
  /** Absolute path in the worker. */
  workspace: z.string(),
  /** `interrupted`: whoever watched over the run died, and took it along. */
  status: z.enum(status),
  sessionId: z.string().nullable(),
  startedAt: z.string(),
  endedAt: z.string(),
  /** Why it did not succeed, and what to do. */
  error: z
    .object({ message: z.string(), hint: z.string(), apiErrorStatus: z.number().nullable() })
    .nullable(),
  /** Claude Code's own result object, keys as it wrote them; null when it gave none. */
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
  /** Under which name the gateway counted it. */
  meter: z.string().nullable(),
  /** Of this run alone, as Claude Code reckons it. */
  costUsd: z.number().nullable(),
})
export type RunResult = z.infer<typeof RunResult>
