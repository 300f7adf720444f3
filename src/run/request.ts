import * as z from 'zod'

/** Largest prompt, in bytes of UTF-8: what a model takes is far less, what a slip pipes in is more. */
export const promptBytes = 10 * 1024 * 1024

/** Largest system prompt, addition to it, or schema, in bytes of UTF-8. */
export const instructionBytes = 1024 * 1024

export const efforts = ['low', 'medium', 'high', 'xhigh', 'max'] as const

const within = (bytes: number) =>
  z
    .string()
    .refine(text => Buffer.byteLength(text) <= bytes, { error: `must be at most ${bytes} bytes` })

/** An alias (`opus`, `sonnet[1m]`, `opusplan`) or a full name. It becomes an argument: no leading dash. */
export const ModelName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}(\[1m\])?$/, 'must be the name of a model')

/** Claude Code's own form of session ids. */
export const SessionId = z.uuid({ error: 'must be a session id (a UUID)' })

/** 16 hexadecimal digits, chosen by us. */
export const RunId = z.string().regex(/^[0-9a-f]{16}$/, 'must be a run id (16 hexadecimal digits)')

const ToolName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,127}$/, 'must be the name of a tool')

/**
 * What a run is asked to do, from whichever surface. Texts go to Claude Code on its stdin; what
 * becomes an argument (model, effort, ids, tools, numbers) has a form that cannot be an option.
 */
export const RunRequest = z.strictObject({
  prompt: within(promptBytes).min(1, { error: 'must not be empty' }),
  model: ModelName.optional(),
  effort: z.enum(efforts).optional(),
  /** In place of Claude Code's own. */
  systemPrompt: within(instructionBytes).optional(),
  appendSystemPrompt: within(instructionBytes).optional(),
  /** A JSON Schema; the result then has `structured_output`. */
  jsonSchema: z.record(z.string(), z.unknown()).optional(),
  session: z
    .discriminatedUnion('kind', [
      /** The last run's session of this workspace, or a fresh one where there is none. */
      z.strictObject({ kind: z.literal('continue') }),
      z.strictObject({ kind: z.literal('fresh') }),
      z.strictObject({ kind: z.literal('resume'), id: SessionId }),
    ])
    .default({ kind: 'continue' }),
  /** Built-in tools that the model may use; all when left out, none when empty. */
  tools: z.array(ToolName).max(64).optional(),
  maxTurns: z.number().int().min(1).max(10_000).optional(),
  maxBudgetUsd: z.number().positive().max(1_000_000).optional(),
  /** Wall time of the run, after which it is cancelled. */
  timeoutSeconds: z.number().int().min(1).max(86_400).default(3_600),
})
export type RunRequest = z.infer<typeof RunRequest>
