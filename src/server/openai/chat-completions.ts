import type { FastifyInstance } from 'fastify'
import { messageOf } from '../../base/errors.ts'
import type { RunResult } from '../../run/result.ts'
import { leaving, type RunRoutes } from '../api/run.ts'
import { ignoredHeader } from '../api/run-body.ts'
import { HttpError } from '../http-error.ts'
import { callerOf } from '../plugins/auth.ts'
import { runRate } from '../plugins/rate.ts'
import type { ServerLog } from '../server-log.ts'
import type { Call, Calls } from './calls.ts'
import { parseChatBody, schemaOf } from './chat-body.ts'
import { readChatHeaders, requestDigest } from './chat-headers.ts'
import { type ChatParts, type ChatRun, startChatRun } from './chat-run.ts'
import { completion, completionHead, finishReasonOf, textOfResult, usageOf } from './completion.ts'
import { createCompletionStream } from './completion-stream.ts'
import { readConversation } from './conversation.ts'
import { parseModel } from './models.ts'
import { failureOf } from './run-failure.ts'
import { isSideCall } from './side-call.ts'

export type ChatRoutes = RunRoutes &
  ChatParts & {
    calls: Calls
    now: () => Date
    log: ServerLog
    /** Runs the small calls beside a chat on the smallest model, without tools. */
    sideCalls: boolean
  }

/** POST /chat/completions. */
export function serveChat(app: FastifyInstance, prefix: string, parts: ChatRoutes) {
  const { limits, readJson, strict, calls, now, log, sideCalls } = parts
  const config = { modes: ['openai'] as const, rateLimit: runRate(limits) }

  app.post(`${prefix}/chat/completions`, { config }, async (request, reply) => {
    const caller = callerOf(request)
    const left = leaving(reply)
    const headers = readChatHeaders(request)
    const input = await readJson(request)
    const { body, unknown } = parseChatBody(input, { strict })
    reply.headers(ignoredHeader(unknown))
    const { shown, model } = parseModel(body.model, caller.token)
    const jsonSchema = schemaOf(body)
    const effort = body.reasoning_effort ?? body.reasoningEffort ?? undefined
    const conversation = readConversation(body.messages)
    const digest = requestDigest([caller.tenant.name, caller.token.name], headers, input)
    const stream = body.stream
      ? createCompletionStream(reply, limits, {
          usage: body.stream_options?.include_usage === true,
          // An answer in the form of a schema is whole at its end only.
          isWhole: jsonSchema !== undefined,
        })
      : null

    /** Finds the run of a repeated request, or starts one. */
    async function begin(): Promise<{ call: Call; remember?: ChatRun['remember'] }> {
      const repeated = headers.retries ? calls.find(digest) : null
      if (repeated) return { call: repeated }
      const { run, remember } = await startChatRun(parts, {
        ...{ caller, headers, conversation, digest, isSide: sideCalls && isSideCall(body) },
        options: { model, effort, ...(jsonSchema && { jsonSchema }) },
        onEvent: async event => stream?.take(event),
      })
      const call = { runId: run.id, cancel: run.cancel, result: run.read.then(() => run.result) }
      call.result.catch(() => {})
      if (headers.retries !== null) calls.keep(digest, call)
      return { call, remember }
    }

    async function answer(send: (result: RunResult, call: Call) => Promise<string>) {
      const { call, remember } = await begin()
      request.runId = call.runId
      reply.header('x-claude-run-id', call.runId)
      // A client that gave a key may lose its connection: its run goes on for the next request with that key.
      if (headers.idempotencyKey === null) {
        const mayRetry = () => headers.retries !== null && !stream?.isOpen()
        calls.join(call, { left, mayRetry })
      }
      stream?.begin(completionHead(call.runId, shown, now()))
      const result = await call.result
      const failure = failureOf(result)
      if (failure) throw failure
      const text = await send(result, call)
      remember?.(text, result.sessionId)
    }

    if (!stream) {
      let answered: object = {}
      await answer(async (result, { runId }) => {
        const content = textOfResult(result)
        answered = completion(completionHead(runId, shown, now()), {
          message: { role: 'assistant', content },
          finish: finishReasonOf(result),
          usage: usageOf(result),
        })
        return content
      })
      return answered
    }
    try {
      await answer(stream.finish)
    } catch (error) {
      if (!stream.isOpen()) throw error
      if (!(error instanceof HttpError)) log({ kind: 'error', message: messageOf(error) })
      await stream.fail(error)
    } finally {
      stream.end()
    }
  })
}
