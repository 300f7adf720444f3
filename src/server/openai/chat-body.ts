import * as z from 'zod'
import { isRecord } from '../../base/json.ts'
import { efforts } from '../../run/request.ts'
import { Part } from './content.ts'
import { badRequest } from './openai-error.ts'

const content = z.union([z.string(), z.array(Part)], { error: 'must be text or a list of parts' })

const ToolCall = z.object({
  id: z.string().max(200),
  function: z.object({ name: z.string().max(200), arguments: z.string().nullish() }),
})

/** A message of a conversation. `content` may be null for every role. */
export const ChatMessage = z.object({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool', 'function']),
  content: content.nullish(),
  tool_calls: z.array(ToolCall).max(128).nullish(),
  tool_call_id: z.string().max(200).nullish(),
  /** Only Anthropic's API can say that a tool failed. */
  is_error: z.boolean().nullish(),
  name: z.string().max(200).nullish(),
})
export type ChatMessage = z.infer<typeof ChatMessage>

const ResponseFormat = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.object({
    type: z.literal('json_schema'),
    json_schema: z.object({ schema: z.record(z.string(), z.unknown()) }),
  }),
])

/** OpenAI's two lowest efforts are the lowest here. */
export const Effort = z.preprocess(
  value => (value === 'none' || value === 'minimal' ? 'low' : value),
  z.enum(efforts).nullish(),
)

/** A name of a user. Anything else than text names none: clients send what they like. */
export const UserName = z.string().nullish().catch(null)

/** Members that change nothing here, and that clients send by default. */
const ignored = new Set([
  ...['temperature', 'top_p', 'presence_penalty', 'frequency_penalty', 'seed', 'store'],
  ...['metadata', 'service_tier', 'parallel_tool_calls', 'stop', 'top_logprobs', 'logit_bias'],
  ...['prediction', 'safety_identifier', 'prompt_cache_key', 'prompt_cache_retention', 'verbosity'],
  'function_call',
])

const list = z.array(z.unknown()).max(128).nullish()

export const ChatBody = z.object({
  model: z.string().max(256).nullish(),
  user: UserName,
  messages: z.array(ChatMessage).min(1, { error: 'must not be empty' }),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  response_format: ResponseFormat.nullish(),
  reasoning_effort: Effort,
  reasoningEffort: Effort,
  max_tokens: z.number().nullish(),
  max_completion_tokens: z.number().nullish(),
  n: z.literal(1, { error: 'must be 1: a run has one answer' }).nullish(),
  logprobs: z.literal(false, { error: 'must be false: Claude gives none' }).nullish(),
  audio: z.null({ error: 'is not supported' }).optional(),
  modalities: z.array(z.literal('text', { error: 'must be text' })).nullish(),
  functions: z.array(z.never({ error: 'is not supported: use tools' })).nullish(),
  tools: list,
  tool_choice: z.unknown().optional(),
})
export type ChatBody = z.infer<typeof ChatBody>

/** Parses the body of POST /chat/completions. Also returns the names of its unknown members. */
export function parseChatBody(
  input: unknown,
  { strict }: { strict: boolean },
): { body: ChatBody; unknown: string[] } {
  return parseBody(ChatBody, input, { ignored, strict })
}

/** Parses a body; `ignored` are the members that change nothing, and that no client is told about. */
export function parseBody<Schema extends z.ZodObject>(
  schema: Schema,
  input: unknown,
  { ignored, strict }: { ignored: ReadonlySet<string>; strict: boolean },
): { body: z.infer<Schema>; unknown: string[] } {
  if (!isRecord(input)) throw badRequest('the body must be a JSON object')
  const unknown = Object.keys(input).filter(
    name => !Object.hasOwn(schema.shape, name) && !ignored.has(name),
  )
  const [extra] = unknown
  if (strict && extra !== undefined) {
    throw badRequest(`unknown member ${extra.slice(0, 64)}`, extra.slice(0, 64))
  }
  const parsed = schema.safeParse(input)
  if (parsed.success) return { body: parsed.data, unknown }
  const [issue] = parsed.error.issues
  const param = issue?.path.join('.') ?? ''
  throw badRequest(`${param || 'the body'}: ${issue?.message ?? 'is not valid'}`, param || null)
}

/** Returns the schema that the answer has to match; undefined for free text. */
export function schemaOf({ response_format: format }: ChatBody) {
  if (format?.type === 'json_object') return { type: 'object' }
  if (format?.type !== 'json_schema') return undefined
  return objectSchema(format.json_schema.schema, 'response_format.json_schema.schema')
}

/** Returns a schema whose root is an object. */
export function objectSchema(schema: Record<string, unknown>, param: string) {
  // Claude Code takes the answer as the input of a tool, which is an object.
  if (schema.type !== undefined && schema.type !== 'object') {
    throw badRequest('the root of the schema must be an object', param)
  }
  return schema
}
