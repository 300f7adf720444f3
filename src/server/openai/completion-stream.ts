import type { FastifyReply } from 'fastify'
import { createDeferred } from '../../base/async.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { ServerLimits } from '../limits.ts'
import type { ToolCall } from './answer-feed.ts'
import { type Answer, shownCall } from './chat-answer.ts'
import { type CompletionHead, chunk, usageChunk } from './completion.ts'
import { createEventStream } from './event-stream.ts'
import { openAiEnvelope, openAiErrorOf } from './openai-error.ts'
import { takePieces } from './take-pieces.ts'

export type CompletionStreamOptions = {
  /** Whether the client asked for the usage. */
  usage: boolean
  /** Whether the text goes out in one piece, when the run has ended. */
  isWhole: boolean
}

/** Streams one completion: the role, what the model writes as it writes it, the reason of its end, `[DONE]`. */
export function createCompletionStream(
  reply: FastifyReply,
  limits: ServerLimits,
  { usage, isWhole }: CompletionStreamOptions,
) {
  const events = createEventStream(reply, limits)
  const begun = createDeferred<CompletionHead>()
  let hasRole = false
  let hasText = false
  let hasCalls = false

  const send = (part: object) => events.send(usage ? { usage: null, ...part } : part)

  async function sendDelta(delta: object | null) {
    const head = await begun.promise
    if (!hasRole) await send(chunk(head, { role: 'assistant', content: '' }))
    hasRole = true
    if (delta !== null) await send(chunk(head, delta))
  }

  async function write(content: string) {
    hasText = true
    await sendDelta({ content })
  }

  async function beginCall(index: number, { id, name }: Pick<ToolCall, 'id' | 'name'>) {
    hasCalls = true
    await sendDelta({ tool_calls: [{ index, ...shownCall({ id, name, arguments: '' }) }] })
  }

  const addArguments = (index: number, text: string) =>
    sendDelta({ tool_calls: [{ index, function: { arguments: text } }] })

  const sendCalls = (calls: readonly ToolCall[]) =>
    sendDelta({ tool_calls: calls.map((call, index) => ({ index, ...shownCall(call) })) })

  return {
    isOpen: events.isOpen,
    begin: begun.resolve,
    openEarly: events.openEarly,

    take: takePieces({ text: write, call: beginCall, input: addArguments }, { isWhole }),

    /** Sends what is left, and the end. */
    async finish({ text, calls, finish, tokens }: Answer): Promise<void> {
      await sendDelta(hasText || text === '' ? null : { content: text })
      if (calls.length > 0 && !hasCalls) await sendCalls(calls)
      const head = await begun.promise
      await send(chunk(head, {}, finish))
      if (usage) await events.send(usageChunk(head, tokens))
      await events.send('[DONE]')
    },

    /** Sends an error in the place of the end, so that a part of an answer does not look like a whole one. */
    async fail(error: unknown): Promise<void> {
      const shown = error instanceof HttpError ? error : new HttpError(500, 'Internal Server Error')
      await events.send(openAiEnvelope(openAiErrorOf(shown)))
    },

    end: events.end,
  }
}
export type CompletionStream = ReturnType<typeof createCompletionStream>
