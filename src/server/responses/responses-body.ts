import * as z from 'zod'
import { type ChatMessage, Effort, objectSchema, parseBody, UserName } from '../openai/chat-body.ts'
import { Part } from '../openai/content.ts'
import { badRequest } from '../openai/openai-error.ts'

const content = z.union([z.string(), z.array(Part)], { error: 'must be text or a list of parts' })

const Item = z.discriminatedUnion(
  'type',
  [
    z.object({
      type: z.literal('message'),
      role: z.enum(['system', 'developer', 'user', 'assistant']),
      content,
    }),
    z.object({
      type: z.literal('function_call'),
      call_id: z.string().max(200),
      name: z.string().max(200),
      arguments: z.string(),
    }),
    z.object({
      type: z.literal('function_call_output'),
      call_id: z.string().max(200),
      output: content,
    }),
    // Clients send back what other models thought; Claude Code cannot take it.
    z.object({ type: z.literal('reasoning') }),
  ],
  { error: 'is not an item that is supported' },
)

/** A message may leave out its type. */
const InputItem = z.preprocess(
  item => (z.looseObject({ role: z.string() }).safeParse(item).success ? typed(item) : item),
  Item,
)

function typed(item: unknown): unknown {
  const message = z.looseObject({ type: z.string().nullish() }).parse(item)
  return { ...message, type: message.type ?? 'message' }
}

const Format = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text') }),
  z.object({ type: z.literal('json_object') }),
  z.looseObject({ type: z.literal('json_schema'), schema: z.record(z.string(), z.unknown()) }),
])

const FunctionTool = z.looseObject({ type: z.literal('function') })
const FunctionChoice = z.object({ type: z.literal('function'), name: z.string() })

const ignored = new Set([
  ...['temperature', 'top_p', 'metadata', 'service_tier', 'parallel_tool_calls', 'include'],
  ...['truncation', 'max_tool_calls', 'top_logprobs', 'stream_options', 'safety_identifier'],
  ...['prompt_cache_key', 'prompt_cache_retention', 'context_management'],
])

const unsupported = (instead: string) =>
  z.null({ error: `is not supported: ${instead}` }).optional()

export const ResponsesBody = z.object({
  model: z.string().max(256).nullish(),
  user: UserName,
  input: z.union([z.string(), z.array(InputItem).min(1)], {
    error: 'must be text or a list of items',
  }),
  instructions: z.string().nullish(),
  previous_response_id: z.string().max(200).nullish(),
  stream: z.boolean().nullish(),
  store: z.boolean().nullish(),
  reasoning: z.looseObject({ effort: Effort }).nullish(),
  text: z.looseObject({ format: Format.nullish() }).nullish(),
  max_output_tokens: z.number().nullish(),
  tools: z.array(z.unknown()).max(128).nullish(),
  tool_choice: z.unknown().optional(),
  background: z.literal(false, { error: 'must be false: use POST /run with async' }).nullish(),
  conversation: unsupported('use previous_response_id'),
  prompt: unsupported('use instructions and input'),
})
export type ResponsesBody = z.infer<typeof ResponsesBody>

/** Parses the body of POST /responses. Also returns the names of its unknown members. */
export function parseResponsesBody(input: unknown, { strict }: { strict: boolean }) {
  return parseBody(ResponsesBody, input, { ignored, strict })
}

/** Converts the input to messages of a conversation. Calls go with the assistant's message before them. */
export function messagesOf({ input }: Pick<ResponsesBody, 'input'>): ChatMessage[] {
  if (typeof input === 'string') return [{ role: 'user', content: input }]
  const messages: ChatMessage[] = []
  for (const item of input) {
    switch (item.type) {
      case 'message':
        messages.push({ role: item.role, content: item.content })
        break
      case 'function_call': {
        const { call_id: id, name, arguments: given } = item
        addCall(messages, { id, function: { name, arguments: given } })
        break
      }
      case 'function_call_output':
        messages.push({ role: 'tool', tool_call_id: item.call_id, content: item.output })
        break
      case 'reasoning':
        break
      default:
        return item satisfies never
    }
  }
  if (messages.length === 0) throw badRequest('no user message provided', 'input')
  return messages
}

function addCall(messages: ChatMessage[], call: NonNullable<ChatMessage['tool_calls']>[number]) {
  // A client may put each output after its call: calls of one answer belong together.
  const last = messages.findLast(({ role }) => role !== 'tool')
  if (last?.role === 'assistant') last.tool_calls = [...(last.tool_calls ?? []), call]
  else messages.push({ role: 'assistant', content: null, tool_calls: [call] })
}

/** Converts the tools and the choice among them to the form of chat completions. */
export function chatToolsOf({ tools, tool_choice: choice }: ResponsesBody) {
  const named = FunctionChoice.safeParse(choice)
  return {
    tools: tools?.map(tool => {
      const parsed = FunctionTool.safeParse(tool)
      return parsed.success ? { type: 'function', function: parsed.data } : tool
    }),
    tool_choice: named.success ? { type: 'function', function: { name: named.data.name } } : choice,
  }
}

/** Returns the schema that the answer has to match; undefined for free text. */
export function responseSchemaOf({ text }: ResponsesBody) {
  const format = text?.format
  if (format?.type === 'json_object') return { type: 'object' }
  if (format?.type !== 'json_schema') return undefined
  return objectSchema(format.schema, 'text.format.schema')
}
