import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { Turn } from './result.ts'
import type { ClaudeMessage } from './runner-protocol.ts'

/** Maximum characters of a tool result, as in claudebox (v1.14). */
export const resultCharacters = 2000

type Content = Turn['content'][number]

const Envelope = z.object({ message: z.object({ content: z.array(z.unknown()) }) })
const Text = z.object({ type: z.literal('text'), text: z.string() })
const ToolUse = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.unknown(),
})
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
