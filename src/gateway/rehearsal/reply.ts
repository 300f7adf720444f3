import { randomUUID } from 'node:crypto'
import type { ApiErrorType } from '../api-error.ts'

export type ReplyBlock =
  | { type: 'text'; deltas: Iterable<string> }
  | { type: 'tool_use'; name: string; input: Record<string, unknown> }

/** The answer of a scripted model: a message, or an error in place of one. */
export type Reply =
  | {
      kind: 'message'
      blocks: ReplyBlock[]
      /** Delay before the first byte. */
      delayMilliseconds?: number
      /** Delay before each piece of text. */
      intervalMilliseconds?: number
      /** Number of pieces of text after which the connection is cut. */
      dropAfter?: number
      /** Members that override the generated usage. */
      usage?: Record<string, unknown> | undefined
    }
  | {
      kind: 'error'
      status: number
      type: ApiErrorType
      message: string
      delayMilliseconds?: number
    }

export function textReply(text: string): Reply {
  // Pieces of a few words, so that the answer appears gradually, as a real one does.
  return { kind: 'message', blocks: [{ type: 'text', deltas: text.match(/\S*\s*/g) ?? [text] }] }
}

export function toolReply(name: string, input: Record<string, unknown>): Reply {
  return { kind: 'message', blocks: [{ type: 'tool_use', name, input }] }
}

/** An event of the Messages API's stream. */
export interface StreamEvent {
  type: string
  [member: string]: unknown
}

export interface Message {
  model: string
  blocks: ReplyBlock[]
  inputTokens: number
  /** Overrides the generated usage. */
  usage?: Record<string, unknown> | undefined
}

/** Yields the events of one answer, in the order and shapes of the real API. */
export function* messageEvents(message: Message): Generator<StreamEvent> {
  let outputTokens = 0
  yield { type: 'message_start', message: { ...envelope(message), usage: usage(message, 1) } }
  yield { type: 'ping' }
  for (const [index, block] of message.blocks.entries()) {
    const { start, deltas } = blockEvents(block)
    yield { type: 'content_block_start', index, content_block: start }
    for (const delta of deltas) {
      outputTokens++
      yield { type: 'content_block_delta', index, delta }
    }
    yield { type: 'content_block_stop', index }
  }
  yield {
    type: 'message_delta',
    delta: { stop_reason: stopReason(message.blocks), stop_sequence: null },
    usage: { output_tokens: outputTokens, ...message.usage },
  }
  yield { type: 'message_stop' }
}

export function renderEvent(event: StreamEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

/** Returns the same answer for a caller that did not request a stream. */
export function wholeMessage(message: Message) {
  const content = message.blocks.map(block =>
    block.type === 'text'
      ? { type: 'text', text: [...block.deltas].join('') }
      : { type: 'tool_use', id: toolUseId(), name: block.name, input: block.input },
  )
  return {
    ...envelope(message),
    content,
    stop_reason: stopReason(message.blocks),
    usage: usage(message, tokenEstimate(JSON.stringify(content).length)),
  }
}

/** Estimates tokens at four bytes each: close enough for a display. */
export function tokenEstimate(bytes: number): number {
  return Math.ceil(bytes / 4)
}

function envelope({ model }: Message) {
  return {
    id: `msg_${randomUUID().replaceAll('-', '')}`,
    type: 'message',
    role: 'assistant',
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
  }
}

function usage({ inputTokens, usage }: Message, outputTokens: number) {
  return {
    input_tokens: inputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    output_tokens: outputTokens,
    service_tier: 'standard',
    ...usage,
  }
}

function blockEvents(block: ReplyBlock): { start: StreamEvent; deltas: Iterable<StreamEvent> } {
  if (block.type === 'text') {
    return { start: { type: 'text', text: '' }, deltas: textDeltas(block.deltas) }
  }
  const json = JSON.stringify(block.input)
  return {
    start: { type: 'tool_use', id: toolUseId(), name: block.name, input: {} },
    deltas: [
      { type: 'input_json_delta', partial_json: '' },
      { type: 'input_json_delta', partial_json: json },
    ],
  }
}

function* textDeltas(deltas: Iterable<string>) {
  for (const text of deltas) yield { type: 'text_delta', text }
}

function stopReason(blocks: ReplyBlock[]) {
  return blocks.some(block => block.type === 'tool_use') ? 'tool_use' : 'end_turn'
}

function toolUseId() {
  return `toolu_${randomUUID().replaceAll('-', '').slice(0, 24)}`
}
