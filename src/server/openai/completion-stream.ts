import type { FastifyReply } from 'fastify'
import { createDeferred } from '../../base/async.ts'
import type { RunEvent, RunResult } from '../../run/result.ts'
import { HttpError } from '../http-error.ts'
import type { ServerLimits } from '../limits.ts'
import {
  type CompletionHead,
  chunk,
  finishReasonOf,
  textOfResult,
  usageChunk,
  usageOf,
} from './completion.ts'
import { createEventStream } from './event-stream.ts'
import { openAiEnvelope, openAiErrorOf } from './openai-error.ts'
import { createTextFeed } from './text-feed.ts'

export type CompletionStreamOptions = {
  /** Whether the client asked for the usage. */
  usage: boolean
  /** Whether the answer goes out in one piece, when the run has ended. */
  isWhole: boolean
}

/** Streams one completion: the role, the text as the model writes it, the reason of its end, `[DONE]`. */
export function createCompletionStream(
  reply: FastifyReply,
  limits: ServerLimits,
  { usage, isWhole }: CompletionStreamOptions,
) {
  const events = createEventStream(reply, limits)
  const feed = createTextFeed()
  const begun = createDeferred<CompletionHead>()
  let sent = ''
  let hasRole = false

  const send = (part: object) => events.send(usage ? { usage: null, ...part } : part)

  async function sendText(head: CompletionHead, text: string) {
    if (!hasRole) await send(chunk(head, { role: 'assistant', content: '' }))
    hasRole = true
    if (text !== '') await send(chunk(head, { content: text }))
  }

  return {
    isOpen: events.isOpen,
    begin: begun.resolve,

    async take(event: RunEvent): Promise<void> {
      if (isWhole) return
      const text = feed.take(event)
      if (text === '') return
      sent += text
      await sendText(await begun.promise, text)
    },

    /** Sends what is left, and the end. Returns the whole text that the client got. */
    async finish(result: RunResult): Promise<string> {
      const head = await begun.promise
      const rest = sent === '' ? textOfResult(result) : ''
      await sendText(head, rest)
      await send(chunk(head, {}, finishReasonOf(result)))
      if (usage) await events.send(usageChunk(head, usageOf(result)))
      await events.send('[DONE]')
      return sent + rest
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
