import type { FastifyReply } from 'fastify'
import { HttpError } from '../../tenants/http-error.ts'
import type { ServerLimits } from '../limits.ts'
import type { ToolCall } from '../openai/answer-feed.ts'
import type { AnswerStream } from '../openai/answer-request.ts'
import type { Answer } from '../openai/chat-answer.ts'
import { createEventStream } from '../openai/event-stream.ts'
import { newId } from '../openai/new-id.ts'
import { openAiEnvelope, openAiErrorOf } from '../openai/openai-error.ts'
import { takePieces } from '../openai/take-pieces.ts'
import {
  callItem,
  messageItem,
  type ResponseHead,
  type ResponseObject,
  renderResponse,
  textPart,
} from './response.ts'

type OpenItem = { id: string; output_index: number }
type OpenCall = OpenItem & { call: ToolCall }

/** Streams one response: its items, what the model writes in them as it writes it, and the response as a whole. */
export function createResponseStream(
  reply: FastifyReply,
  limits: ServerLimits,
  {
    head,
    isWhole,
    onEnd,
  }: {
    head: ResponseHead
    /** Whether the text goes out in one piece, when the run has ended. */
    isWhole: boolean
    onEnd: (answer: Answer, response: ResponseObject) => void
  },
): AnswerStream {
  const events = createEventStream(reply, limits)
  const output: object[] = []
  const calls = new Map<number, OpenCall>()
  let items = 0
  let message: (OpenItem & { text: string }) | null = null
  let sequence = 0

  async function send(type: string, data: object) {
    if (sequence === 0 && type !== 'response.created') {
      const response = renderResponse(head, { status: 'in_progress' })
      await emit('response.created', { response })
      await emit('response.in_progress', { response })
    }
    await emit(type, data)
  }
  const emit = (type: string, data: object) =>
    events.send({ type, ...data, sequence_number: sequence++ }, type)

  async function write(text: string) {
    if (!message) {
      message = { id: newId('msg'), output_index: items++, text: '' }
      const { id, output_index } = message
      const item = messageItem(id, 'in_progress', null)
      await send('response.output_item.added', { output_index, item })
      const at = { item_id: id, output_index, content_index: 0 }
      await send('response.content_part.added', { ...at, part: textPart('') })
    }
    const { id: item_id, output_index } = message
    message.text += text
    if (text === '') return
    const at = { item_id, output_index, content_index: 0 }
    await send('response.output_text.delta', { ...at, delta: text, logprobs: [] })
  }

  async function closeMessage() {
    if (!message) return
    const { id: item_id, output_index, text } = message
    message = null
    const at = { item_id, output_index, content_index: 0 }
    await send('response.output_text.done', { ...at, text, logprobs: [] })
    await send('response.content_part.done', { ...at, part: textPart(text) })
    const item = messageItem(item_id, 'completed', text)
    output[output_index] = item
    await send('response.output_item.done', { output_index, item })
  }

  async function beginCall(index: number, { id: callId, name }: Pick<ToolCall, 'id' | 'name'>) {
    await closeMessage()
    const call = { id: callId, name, arguments: '' }
    const open = { id: newId('fc'), output_index: items++, call }
    calls.set(index, open)
    const { id, output_index } = open
    const item = callItem(id, 'in_progress', call)
    await send('response.output_item.added', { output_index, item })
  }

  async function addArguments(index: number, delta: string) {
    const open = calls.get(index)
    if (!open || delta === '') return
    open.call.arguments += delta
    const at = { item_id: open.id, output_index: open.output_index }
    await send('response.function_call_arguments.delta', { ...at, delta })
  }

  async function closeCalls(answered: readonly ToolCall[]) {
    for (const [index, call] of answered.entries()) {
      // A repeated request gets the calls as a whole.
      if (!calls.has(index)) {
        await beginCall(index, call)
        await addArguments(index, call.arguments)
      }
    }
    for (const { id, output_index, call } of calls.values()) {
      const { name, arguments: given } = call
      const at = { item_id: id, output_index, name, arguments: given }
      await send('response.function_call_arguments.done', at)
      const item = callItem(id, 'completed', call)
      output[output_index] = item
      await send('response.output_item.done', { output_index, item })
    }
  }

  return {
    isOpen: events.isOpen,
    begin: () => {},
    openEarly: events.openEarly,

    take: takePieces({ text: write, call: beginCall, input: addArguments }, { isWhole }),

    async finish(answer: Answer): Promise<void> {
      const isSilent = items === 0 && (answer.text !== '' || answer.calls.length === 0)
      if (isSilent || (isWhole && answer.text !== '')) await write(answer.text)
      await closeMessage()
      await closeCalls(answer.calls)
      const response = renderResponse(head, { status: 'ended', answer, output })
      onEnd(answer, response)
      await send(`response.${response.status}`, { response })
    },

    async fail(error: unknown): Promise<void> {
      const shown = error instanceof HttpError ? error : new HttpError(500, 'Internal Server Error')
      const { message, type, code } = openAiEnvelope(openAiErrorOf(shown)).error
      const response = renderResponse(head, {
        status: 'failed',
        error: { code: code ?? type, message },
      })
      await send('response.failed', { response })
    },

    end: events.end,
  }
}
