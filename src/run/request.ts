import * as z from 'zod'
import { isBase64 } from '../base/base64.ts'
import { ClientTools } from './client-tools.ts'
import { RunRefusal } from './failure.ts'
import { SessionId } from './ids.ts'

/** Maximum size of a prompt's text, in bytes of UTF-8. A model takes far less. */
export const promptBytes = 10 * 1024 * 1024

/** Maximum size of the images and documents of a prompt, in bytes of base64. */
export const attachmentBytes = 20 * 1024 * 1024
const blockCount = 100

/** Maximum size of a system prompt, of an addition to it, or of a schema, in bytes of UTF-8. */
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

const ToolName = z.string().regex(/^[A-Za-z][A-Za-z0-9_-]{0,127}$/, 'must be the name of a tool')

const Base64 = z
  .string()
  .max(attachmentBytes)
  .refine(isBase64, { error: 'must be base64' })
  // For OpenAPI, which a refinement does not reach.
  .meta({ pattern: '^[A-Za-z0-9+/]+={0,2}$' })

/** A part of a prompt, in the form of the Messages API. */
export const ContentBlock = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: within(promptBytes) }),
  z.strictObject({
    type: z.literal('image'),
    source: z.strictObject({
      type: z.literal('base64'),
      media_type: z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp']),
      data: Base64,
    }),
  }),
  z.strictObject({
    type: z.literal('document'),
    source: z.strictObject({
      type: z.literal('base64'),
      media_type: z.literal('application/pdf'),
      data: Base64,
    }),
    title: z.string().max(500).optional(),
  }),
])
export type ContentBlock = z.infer<typeof ContentBlock>

/** A prompt: text, or blocks of text, images and PDF documents. */
export const Prompt = z.union([
  within(promptBytes).min(1, { error: 'must not be empty' }),
  z
    .array(ContentBlock)
    .min(1, { error: 'must not be empty' })
    .max(blockCount, { error: `must have at most ${blockCount} blocks` })
    .refine(blocks => sizeOf(blocks, 'text') <= promptBytes, {
      error: `must have at most ${promptBytes} bytes of text`,
    })
    .refine(blocks => sizeOf(blocks, 'attachment') <= attachmentBytes, {
      error: `must have at most ${attachmentBytes} bytes of images and documents`,
    }),
])
export type Prompt = z.infer<typeof Prompt>

function sizeOf(blocks: readonly ContentBlock[], of: 'text' | 'attachment'): number {
  return blocks
    .map(block => {
      if (block.type === 'text') return of === 'text' ? Buffer.byteLength(block.text) : 0
      return of === 'attachment' ? block.source.data.length : 0
    })
    .reduce((sum, bytes) => sum + bytes, 0)
}

/** Returns the text of a prompt, with a word in brackets for each image or document. */
export function promptText(prompt: Prompt): string {
  if (typeof prompt === 'string') return prompt
  return prompt.map(block => (block.type === 'text' ? block.text : `[${block.type}]`)).join('\n')
}

/**
 * The request of a run, from any surface. Texts go to Claude Code on its stdin; values that become
 * arguments (model, effort, ids, tools, numbers) have a form that cannot be an option.
 */
export const RunRequest = z.strictObject({
  prompt: Prompt,
  /** The prompt is a command for bash, which runs in the place of Claude Code. */
  shell: z.literal(true).optional(),
  model: ModelName.optional(),
  effort: z.enum(efforts).optional(),
  /** Replaces Claude Code's own system prompt. */
  systemPrompt: within(instructionBytes).optional(),
  appendSystemPrompt: within(instructionBytes).optional(),
  /** A JSON Schema; the result then has `structured_output`. */
  jsonSchema: z
    .record(z.string(), z.unknown())
    .refine(schema => Buffer.byteLength(JSON.stringify(schema)) <= instructionBytes, {
      error: `must be at most ${instructionBytes} bytes`,
    })
    .optional(),
  session: z
    .discriminatedUnion('kind', [
      /** The session of this workspace's last run, or a fresh one without any. */
      z.strictObject({ kind: z.literal('continue') }),
      z.strictObject({ kind: z.literal('fresh') }),
      z.strictObject({ kind: z.literal('resume'), id: SessionId }),
    ])
    .default({ kind: 'continue' }),
  /** Built-in tools that the model may use; all when left out, none when empty. */
  tools: z.array(ToolName).max(64).optional(),
  /** Tools that the client of the run executes, beside the built-in ones. */
  clientTools: ClientTools.optional(),
  maxTurns: z.number().int().min(1).max(10_000).optional(),
  maxBudgetUsd: z.number().positive().max(1_000_000).optional(),
  /** Wall time of the run, after which it is cancelled. */
  timeoutSeconds: z.number().int().min(1).max(86_400).default(3_600),
})
export type RunRequest = z.infer<typeof RunRequest>

/** Parses a request from any surface; the refusal names the field. */
export function parseRequest(input: unknown): RunRequest {
  const parsed = RunRequest.safeParse(input)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const field = issue?.path.join('.') || 'the request'
  throw new RunRefusal('request', `${field}: ${issue?.message ?? 'is not valid'}`)
}
