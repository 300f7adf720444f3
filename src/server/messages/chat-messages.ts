import type { ChatMessage } from '../openai/chat-body.ts'
import type { Part } from '../openai/content.ts'
import type { Block, MessagesBody } from './messages-body.ts'

type ContentOf<Type extends Block['type']> = Extract<Block, { type: Type }>

/** Converts the system prompt and the messages to those of chat completions, in which results are messages. */
export function chatMessagesOf({ system, messages }: MessagesBody): ChatMessage[] {
  const first: ChatMessage[] = system ? [{ role: 'system', content: partsOf(system) }] : []
  return [
    ...first,
    ...messages.flatMap(({ role, content }): ChatMessage[] => {
      if (typeof content === 'string') return [{ role, content }]
      const results = content.flatMap(block => (block.type === 'tool_result' ? [block] : []))
      const calls = content.flatMap(block => (block.type === 'tool_use' ? [callOf(block)] : []))
      const said = content.flatMap(partsOfBlock)
      const isSaid = said.length > 0 || calls.length > 0 || results.length === 0
      const tool_calls = calls.length > 0 ? { tool_calls: calls } : {}
      return [...results.map(resultOf), ...(isSaid ? [{ role, content: said, ...tool_calls }] : [])]
    }),
  ]
}

function callOf({ id, name, input }: ContentOf<'tool_use'>) {
  return { id, function: { name, arguments: JSON.stringify(input ?? {}) } }
}

function resultOf({ tool_use_id, content, is_error }: ContentOf<'tool_result'>): ChatMessage {
  return { role: 'tool', tool_call_id: tool_use_id, content: partsOf(content ?? ''), is_error }
}

function partsOf(content: string | readonly Block[]): Part[] {
  return typeof content === 'string'
    ? [textPart(content)]
    : content.flatMap(block => partsOfBlock(block))
}

/** Returns what a block says. Calls and results are messages of their own, and thoughts are left out. */
function partsOfBlock(block: Block): Part[] {
  switch (block.type) {
    case 'text':
      return [textPart(block.text)]
    case 'image':
      return [imagePart(block)]
    case 'document':
      return documentParts(block)
    case 'search_result': {
      const { source, title, content } = block
      return [textPart(`${title} (${source}):`), ...content.map(({ text }) => textPart(text))]
    }
    case 'tool_use':
    case 'tool_result':
    case 'thinking':
    case 'redacted_thinking':
      return []
    default:
      return block satisfies never
  }
}

const textPart = (text: string): Part => ({ type: 'text', text })

function imagePart({ source }: ContentOf<'image'>): Part {
  const url = source.type === 'url' ? source.url : `data:${source.media_type};base64,${source.data}`
  return { type: 'image_url', image_url: url }
}

function documentParts({ source, title, context }: ContentOf<'document'>): Part[] {
  const about = [title, context].filter(Boolean).join('\n')
  const before = about === '' ? [] : [textPart(`${about}:`)]
  switch (source.type) {
    case 'base64': {
      const file_data = `data:${source.media_type};base64,${source.data}`
      const explained = context ? [textPart(`${context}:`)] : []
      return [...explained, { type: 'file', file: { filename: title, file_data } }]
    }
    case 'text':
      return [...before, textPart(source.data)]
    case 'content':
      return [...before, ...partsOf(source.content)]
    default:
      return source satisfies never
  }
}
