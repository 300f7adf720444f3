import type { ToolCall } from '../openai/answer-feed.ts'
import type { Answer } from '../openai/chat-answer.ts'
import type { FinishReason } from '../openai/completion.ts'
import type { TokenCounts } from '../openai/token-counts.ts'

/** What all parts of one message have in common. */
export type MessageHead = { id: string; model: string }

const stopReasons: Record<FinishReason, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
}

const nothing: TokenCounts = { input: 0, cacheCreation: 0, cacheRead: 0, output: 0 }

export const textBlock = (text: string) => ({ type: 'text', text })

export const toolBlock = ({ id, name }: Pick<ToolCall, 'id' | 'name'>, input: unknown) => ({
  ...{ type: 'tool_use', id, name, input },
})

/** Renders a message that has begun: nothing of its content or usage is known yet. */
export function begunMessage({ id, model }: MessageHead) {
  return {
    ...{ id, type: 'message', role: 'assistant', model, content: [] },
    ...{ stop_reason: null, stop_sequence: null, usage: messageUsage(nothing) },
  }
}

/** Renders a message that is sent as a whole. */
export function wholeMessage(head: MessageHead, { text, calls, finish, tokens }: Answer) {
  const said = text !== '' || calls.length === 0
  return {
    ...begunMessage(head),
    content: [
      ...(said ? [textBlock(text)] : []),
      ...calls.map(call => toolBlock(call, inputOf(call))),
    ],
    ...stopOf(finish),
    usage: messageUsage(tokens),
  }
}

export function stopOf(finish: FinishReason) {
  return { stop_reason: stopReasons[finish], stop_sequence: null }
}

export function messageUsage({ input, cacheCreation, cacheRead, output }: TokenCounts) {
  return {
    input_tokens: input,
    cache_creation_input_tokens: cacheCreation,
    cache_read_input_tokens: cacheRead,
    output_tokens: output,
  }
}

/** The model may have written something else than JSON, when it was cut off. */
function inputOf({ arguments: written }: ToolCall): unknown {
  try {
    return JSON.parse(written)
  } catch {
    return {}
  }
}
