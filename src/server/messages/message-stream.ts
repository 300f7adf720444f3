import type { FastifyReply } from 'fastify'
import { HttpError } from '../../tenants/http-error.ts'
import type { ServerLimits } from '../limits.ts'
import type { AnswerStream } from '../openai/answer-request.ts'
import type { Answer } from '../openai/chat-answer.ts'
import { createEventStream } from '../openai/event-stream.ts'
import { takePieces } from '../openai/take-pieces.ts'
import { anthropicEnvelope, anthropicErrorOf } from './anthropic-error.ts'
import {
  begunMessage,
  type MessageHead,
  messageUsage,
  stopOf,
  textBlock,
  toolBlock,
} from './message.ts'

const ping = 'event: ping\ndata: {"type":"ping"}\n\n'

/** Streams one message: its blocks one after the other, what the model writes in them, its stop and its usage. */
export function createMessageStream(
  reply: FastifyReply,
  limits: ServerLimits,
  {
    head,
    isWhole,
  }: {
    head: MessageHead
    /** Whether the text goes out in one piece, when the run has ended. */
    isWhole: boolean
  },
): AnswerStream {
  const events = createEventStream(reply, limits, { keepAlive: ping })
  /** The block of each call. */
  const calls = new Map<number, number>()
  let blocks = 0
  let open: { index: number; isText: boolean } | null = null
  let isBegun = false

  async function send(type: string, data: object) {
    if (!isBegun) {
      isBegun = true
      const message = begunMessage(head)
      await events.send({ type: 'message_start', message }, 'message_start')
    }
    await events.send({ type, ...data }, type)
  }

  async function close() {
    if (!open) return
    const { index } = open
    open = null
    await send('content_block_stop', { index })
  }

  async function begin(content_block: { type: string }): Promise<number> {
    await close()
    const index = blocks++
    open = { index, isText: content_block.type === 'text' }
    await send('content_block_start', { index, content_block })
    return index
  }

  async function write(text: string) {
    const index = open?.isText ? open.index : await begin(textBlock(''))
    if (text === '') return
    await send('content_block_delta', { index, delta: { type: 'text_delta', text } })
  }

  async function addInput(call: number, partial_json: string) {
    const index = calls.get(call)
    if (index === undefined || partial_json === '') return
    const delta = { type: 'input_json_delta', partial_json }
    await send('content_block_delta', { index, delta })
  }

  async function beginCall(index: number, call: { id: string; name: string }) {
    calls.set(index, await begin(toolBlock(call, {})))
  }

  return {
    isOpen: events.isOpen,
    begin: () => {},
    openEarly: events.openEarly,

    take: takePieces({ text: write, call: beginCall, input: addInput }, { isWhole }),

    async finish({ text, calls: answered, finish, tokens }: Answer): Promise<void> {
      const isSilent = blocks === 0 && (text !== '' || answered.length === 0)
      if (isSilent || (isWhole && text !== '')) await write(text)
      for (const [index, call] of answered.entries()) {
        // A repeated request gets the calls as a whole.
        if (calls.has(index)) continue
        await beginCall(index, call)
        await addInput(index, call.arguments)
      }
      await close()
      await send('message_delta', { delta: stopOf(finish), usage: messageUsage(tokens) })
      await send('message_stop', {})
    },

    async fail(error: unknown): Promise<void> {
      const shown = error instanceof HttpError ? error : new HttpError(500, 'Internal Server Error')
      await events.send(anthropicEnvelope(anthropicErrorOf(shown)), 'error')
    },

    end: events.end,
  }
}
