import type { ToolCall } from '../openai/answer-feed.ts'
import type { Answer } from '../openai/chat-answer.ts'
import { usageOf } from '../openai/completion.ts'
import { newId } from '../openai/new-id.ts'
import type { TokenCounts } from '../openai/token-counts.ts'
import type { ResponsesBody } from './responses-body.ts'

/** What all states of one response have in common. */
export type ResponseHead = {
  id: string
  /** Seconds. */
  createdAt: number
  model: string
  body: ResponsesBody
}

export function responseHead(model: string, body: ResponsesBody, now: Date): ResponseHead {
  const createdAt = Math.floor(now.getTime() / 1_000)
  return { id: newId('resp'), createdAt, model, body }
}

export type ItemStatus = 'in_progress' | 'completed'

export const textPart = (text: string) => ({
  ...{ type: 'output_text', text, annotations: [], logprobs: [] },
})

export function messageItem(id: string, status: ItemStatus, text: string | null) {
  const content = text === null ? [] : [textPart(text)]
  return { id, type: 'message', status, role: 'assistant', content }
}

export function callItem(id: string, status: ItemStatus, call: ToolCall) {
  const { id: call_id, name, arguments: given } = call
  return { id, type: 'function_call', status, call_id, name, arguments: given }
}

/** Returns the items of an answer that is sent as a whole. */
export function outputOf({ text, calls }: Pick<Answer, 'text' | 'calls'>): object[] {
  const said = text !== '' || calls.length === 0
  return [
    ...(said ? [messageItem(newId('msg'), 'completed', text)] : []),
    ...calls.map(call => callItem(newId('fc'), 'completed', call)),
  ]
}

type State =
  | { status: 'in_progress' }
  | { status: 'ended'; answer: Answer; output: readonly object[] }
  | { status: 'failed'; error: { code: string; message: string } }

export type ResponseObject = ReturnType<typeof renderResponse>

export function renderResponse(head: ResponseHead, state: State) {
  const { id, createdAt, model, body } = head
  const reason = state.status === 'ended' ? incompleteReasonOf(state.answer) : null
  const ended = reason === null ? 'completed' : 'incomplete'
  return {
    ...{ id, object: 'response', created_at: createdAt, model },
    status: state.status === 'ended' ? ended : state.status,
    error: state.status === 'failed' ? state.error : null,
    incomplete_details: reason === null ? null : { reason },
    instructions: body.instructions ?? null,
    max_output_tokens: body.max_output_tokens ?? null,
    output: state.status === 'ended' ? state.output : [],
    parallel_tool_calls: true,
    previous_response_id: body.previous_response_id ?? null,
    reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
    store: body.store ?? true,
    temperature: null,
    text: { format: body.text?.format ?? { type: 'text' } },
    tool_choice: body.tool_choice ?? 'auto',
    tools: body.tools ?? [],
    top_p: null,
    truncation: 'disabled',
    metadata: {},
    usage: state.status === 'ended' ? responseUsage(state.answer.tokens) : null,
  }
}

function incompleteReasonOf({ finish }: Answer): string | null {
  if (finish === 'length') return 'max_output_tokens'
  return finish === 'content_filter' ? 'content_filter' : null
}

function responseUsage(tokens: TokenCounts) {
  const usage = usageOf(tokens)
  return {
    input_tokens: usage.prompt_tokens,
    input_tokens_details: usage.prompt_tokens_details,
    output_tokens: usage.completion_tokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: usage.total_tokens,
  }
}
