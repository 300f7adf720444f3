import type { FastifyInstance } from 'fastify'
import { messageOf } from '../../base/errors.ts'
import { HttpError } from '../../tenants/http-error.ts'
import type { ServerLog } from '../../tenants/server-log.ts'
import { leaving, type RunRoutes } from '../api/run.ts'
import { ignoredHeader } from '../api/run-body.ts'
import { callerOf } from '../plugins/auth.ts'
import { runRate } from '../plugins/rate.ts'
import type { Call, Calls } from './calls.ts'
import { type Answer, answerOf, renderAnswer } from './chat-answer.ts'
import { parseChatBody, schemaOf } from './chat-body.ts'
import { readChatHeaders, requestDigest } from './chat-headers.ts'
import { type ChatParts, type ChatRun, startChatRun } from './chat-run.ts'
import { readToolResults, readTools } from './chat-tools.ts'
import { completionHead } from './completion.ts'
import { createCompletionStream } from './completion-stream.ts'
import { readConversation } from './conversation.ts'
import { parseModel } from './models.ts'
import type { PausedRuns } from './paused-runs.ts'
import { isSideCall } from './side-call.ts'

export type ChatRoutes = RunRoutes &
  ChatParts & {
    calls: Calls
    paused: PausedRuns
    now: () => Date
    log: ServerLog
    /** Runs the small calls beside a chat on the smallest model, without tools. */
    sideCalls: boolean
  }

/** POST /chat/completions. */
export function serveChat(app: FastifyInstance, prefix: string, parts: ChatRoutes) {
  const { limits, readJson, strict, calls, paused, now, log, sideCalls } = parts
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
    const { tools, instruction } = readTools(body)
    const results = readToolResults(body.messages)
    const digest = requestDigest([caller.tenant.name, caller.token.name], headers, input)
    const stream = body.stream
      ? createCompletionStream(reply, limits, {
          usage: body.stream_options?.include_usage === true,
          // An answer in the form of a schema is whole at its end only.
          isWhole: jsonSchema !== undefined,
        })
      : null

    /** Finds the run that waits for the results of this request, or starts one. */
    async function follow(): Promise<{ chat: ChatRun; deliver: () => void }> {
      const waiting = paused.take(caller, results)
      if (waiting) {
        const { chat, results } = waiting
        return { chat, deliver: () => chat.deliver(results) }
      }
      const chat = await startChatRun(parts, {
        ...{ caller, headers, conversation, digest, instruction },
        options: {
          ...{ model, effort },
          ...(jsonSchema && { jsonSchema }),
          ...(tools.length > 0 && { clientTools: tools }),
        },
        isSide: sideCalls && isSideCall(body),
        queue: { signal: left, onWait: () => stream?.openEarly() },
      })
      return { chat, deliver: () => {} }
    }

    /** Returns the call of a repeated request, or a new one. */
    async function begin(): Promise<{ call: Call; chat?: ChatRun }> {
      const repeated = headers.retries ? calls.find(digest) : null
      if (repeated) return { call: repeated }
      const { chat, deliver } = await follow()
      const { run, next } = chat
      const outcome = next(async piece => stream?.take(piece))
      deliver()
      outcome.then(
        ended => ended.kind === 'calls' && paused.keep(caller, chat, ended.calls),
        () => {},
      )
      const call = { runId: run.id, cancel: run.cancel, outcome }
      if (headers.retries !== null) calls.keep(digest, call)
      return { call, chat }
    }

    async function answered(): Promise<{ answer: Answer; runId: string }> {
      const { call, chat } = await begin()
      const { runId } = call
      request.runId = runId
      reply.header('x-claude-run-id', runId)
      // A client that gave a key may lose its connection: its run goes on for the next request with that key.
      if (headers.idempotencyKey === null) {
        calls.join(call, { left, mayRetry: () => headers.retries !== null && !stream?.isOpen() })
      }
      stream?.begin(completionHead(runId, shown, now()))
      const answer = answerOf(await call.outcome, { isStreamed: stream !== null })
      chat?.remember(conversation, answer.text, answer.sessionId)
      return { answer, runId }
    }

    if (!stream) {
      const { answer, runId } = await answered()
      return renderAnswer(completionHead(runId, shown, now()), answer)
    }
    try {
      await stream.finish((await answered()).answer)
    } catch (error) {
      if (!stream.isOpen()) throw error
      if (!(error instanceof HttpError)) log({ kind: 'error', message: messageOf(error) })
      await stream.fail(error)
    } finally {
      stream.end()
    }
  })
}
