import * as z from 'zod'
import { isRecord } from '../../base/json.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { Effort, objectSchema, parseBody, UserName } from '../openai/chat-body.ts'
import { badRequest } from '../openai/openai-error.ts'

const Text = z.object({ type: z.literal('text'), text: z.string() })

const Image = z.object({
  type: z.literal('image'),
  source: z.discriminatedUnion(
    'type',
    [
      z.object({ type: z.literal('base64'), media_type: z.string(), data: z.string() }),
      z.object({ type: z.literal('url'), url: z.string() }),
    ],
    { error: 'must be base64 or a url' },
  ),
})

const contentOf = <Block extends z.ZodType>(block: Block) =>
  z.union([z.string(), z.array(block)], { error: 'must be text or a list of blocks' })

const described = { title: z.string().max(500).nullish(), context: z.string().nullish() }

const Document = z.object({
  type: z.literal('document'),
  ...described,
  source: z.discriminatedUnion(
    'type',
    [
      z.object({
        type: z.literal('base64'),
        media_type: z.literal('application/pdf'),
        data: z.string(),
      }),
      z.object({ type: z.literal('text'), data: z.string() }),
      z.object({
        type: z.literal('content'),
        content: contentOf(z.discriminatedUnion('type', [Text, Image])),
      }),
    ],
    { error: 'must be a PDF in base64, text or content' },
  ),
})

const SearchResult = z.object({
  type: z.literal('search_result'),
  source: z.string(),
  title: z.string(),
  content: z.array(Text),
})

const ToolResult = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string().max(200),
  is_error: z.boolean().nullish(),
  content: contentOf(
    z.discriminatedUnion('type', [Text, Image, SearchResult], {
      error: 'must be text or an image',
    }),
  ).nullish(),
})

const ToolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string().max(200),
  name: z.string().max(200),
  input: z.unknown(),
})

/** Clients send back what the model thought; Claude Code cannot take it. */
const Thought = z.object({ type: z.enum(['thinking', 'redacted_thinking']) })

export const Block = z.discriminatedUnion(
  'type',
  [Text, Image, Document, SearchResult, ToolResult, ToolUse, Thought],
  { error: 'is not a block that is supported' },
)
export type Block = z.infer<typeof Block>

const Format = z.looseObject({
  type: z.literal('json_schema'),
  schema: z.record(z.string(), z.unknown()),
})

const ignored = new Set([
  ...['temperature', 'top_p', 'top_k', 'stop_sequences', 'service_tier', 'thinking', 'speed'],
  ...['cache_control', 'inference_geo', 'diagnostics', 'context_management', 'betas'],
  ...['user_profile_id', 'workspace_id', 'thread'],
])

const none = (instead: string) =>
  z.array(z.never({ error: `is not supported: ${instead}` })).nullish()

export const MessagesBody = z.object({
  model: z.string().max(256).nullish(),
  max_tokens: z.number().nullish(),
  messages: z
    .array(z.object({ role: z.enum(['user', 'assistant', 'system']), content: contentOf(Block) }))
    .min(1, { error: 'must not be empty' }),
  system: contentOf(Text).nullish(),
  stream: z.boolean().nullish(),
  tools: z.array(z.unknown()).max(128).nullish(),
  tool_choice: z
    .discriminatedUnion('type', [
      z.object({ type: z.enum(['auto', 'any', 'none']) }),
      z.object({ type: z.literal('tool'), name: z.string() }),
    ])
    .nullish(),
  output_config: z.looseObject({ effort: Effort, format: Format.nullish() }).nullish(),
  output_format: Format.nullish(),
  metadata: z.looseObject({ user_id: UserName }).nullish().catch(null),
  mcp_servers: none('declare them in the workspace'),
  container: z.null({ error: 'is not supported: Claude Code has a workspace' }).optional(),
})
export type MessagesBody = z.infer<typeof MessagesBody>

/** Parses the body of POST /messages. Also returns the names of its unknown members. */
export function parseMessagesBody(input: unknown, { strict }: { strict: boolean }) {
  if (isRecord(input) && input.thread) throw noThreads()
  return parseBody(MessagesBody, input, { ignored, strict })
}

/** An official client knows this code, and sends the whole conversation instead. */
function noThreads() {
  return new HttpError(400, 'thread is not supported: send the whole conversation', {
    more: { param: 'thread', details: { error_code: 'thread_unsupported_request' } },
  })
}

const Tool = z.looseObject({
  type: z.literal('custom').nullish(),
  name: z.string(),
  description: z.string().nullish(),
  input_schema: z.record(z.string(), z.unknown()),
})

/** Converts the tools and the choice among them to the form of chat completions. */
export function chatToolsOf({ tools, tool_choice: choice }: MessagesBody) {
  return {
    tools: tools?.map((tool, index) => {
      const parsed = Tool.safeParse(tool)
      if (!parsed.success) {
        throw badRequest(
          `tools.${index} is not supported: only tools with an input_schema are, and Claude Code has its own`,
          `tools.${index}`,
        )
      }
      const { name, description, input_schema: parameters } = parsed.data
      return { type: 'function', function: { name, description, parameters } }
    }),
    tool_choice: chatChoiceOf(choice),
  }
}

function chatChoiceOf(choice: MessagesBody['tool_choice']) {
  if (choice?.type === 'tool') return { type: 'function', function: { name: choice.name } }
  return choice?.type === 'any' ? 'required' : choice?.type
}

/** Returns the schema that the answer has to match; undefined for free text. */
export function messageSchemaOf({ output_config: output, output_format: older }: MessagesBody) {
  const format = output?.format ?? older
  return format ? objectSchema(format.schema, 'output_config.format.schema') : undefined
}
