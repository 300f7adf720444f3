import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { ClaudeMessage } from './runner-protocol.ts'

/** Maximum characters of a tool result, as in claudebox (v1.14). */
export const resultCharacters = 2000

const Text = z.object({ type: z.literal('text'), text: z.string() })
const ToolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.unknown(),
})

const Content = z.discriminatedUnion('type', [
  Text,
  ToolUse,
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
type Content = z.infer<typeof Content>

/** One step of a run, in the form of claudebox's json-verbose (v1.14). */
export const Turn = z.object({
  role: z.enum(['assistant', 'tool_result']),
  content: z.array(Content),
})
export type Turn = z.infer<typeof Turn>

const Envelope = z.object({ message: z.object({ content: z.array(z.unknown()) }) })
/** A tool result as Claude Code sends it. */
const ToolResult = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  is_error: z.boolean().nullish(),
  content: z.unknown(),
})

/** Converts a message of Claude Code to a turn; null for other kinds of messages. */
export function turnOf(message: ClaudeMessage): Turn | null {
  if (message.type !== 'assistant' && message.type !== 'user') return null
  const envelope = Envelope.safeParse(message)
  if (!envelope.success) return null
  const read = message.type === 'assistant' ? assistantContent : toolResult
  const content = envelope.data.message.content.flatMap(read)
  if (content.length === 0) return null
  return { role: message.type === 'assistant' ? 'assistant' : 'tool_result', content }
}

function assistantContent(block: unknown): Content[] {
  const text = Text.safeParse(block)
  if (text.success) return [text.data]
  const use = ToolUse.safeParse(block)
  return use.success ? [use.data] : []
}

function toolResult(block: unknown): Content[] {
  const result = ToolResult.safeParse(block)
  if (!result.success) return []
  const { tool_use_id, is_error, content } = result.data
  return [
    {
      type: 'tool_result',
      toolUseId: tool_use_id,
      isError: is_error ?? false,
      ...cut(textOf(content)),
    },
  ]
}

/** Returns the text of a tool result, which is a string or a list of blocks, some of them images. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return content === undefined ? '' : JSON.stringify(content)
  return content
    .map(block => {
      const text = Text.safeParse(block)
      return text.success ? text.data.text : `[${blockType(block)}]`
    })
    .join('\n')
}

function blockType(block: unknown) {
  const named = z.object({ type: z.string() }).safeParse(block)
  return named.success ? named.data.type : 'content'
}

function cut(text: string) {
  if (text.length <= resultCharacters) return { content: text }
  return {
    content: text.slice(0, resultCharacters),
    truncated: true as const,
    totalLength: text.length,
    sha256: createHash('sha256').update(text).digest('hex'),
  }
}
