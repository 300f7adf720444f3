import type { FastifyInstance } from 'fastify'
import { leaving } from '../api/run.ts'
import { ignoredHeader } from '../api/run-body.ts'
import { callerOf } from '../plugins/auth.ts'
import { runRate } from '../plugins/rate.ts'
import { answerRequest, type ChatRoutes, streamAnswer } from './answer-request.ts'
import { renderAnswer } from './chat-answer.ts'
import { parseChatBody, schemaOf } from './chat-body.ts'
import { readChatHeaders, requestDigest } from './chat-headers.ts'
import { readToolResults, readTools } from './chat-tools.ts'
import { completionHead } from './completion.ts'
import { createCompletionStream } from './completion-stream.ts'
import { readConversation } from './conversation.ts'
import { parseModel } from './models.ts'
import { isSideCall } from './side-call.ts'

/** POST /chat/completions. */
export function serveChat(app: FastifyInstance, prefix: string, parts: ChatRoutes) {
  const { limits, readJson, strict, now, log, sideCalls, images } = parts
  const config = { modes: ['openai'] as const, rateLimit: runRate(limits) }

  app.post(`${prefix}/chat/completions`, { config }, async (request, reply) => {
    const caller = callerOf(request)
    const headers = readChatHeaders(request)
    const input = await readJson(request)
    const { body, unknown } = parseChatBody(input, { strict })
    reply.headers(ignoredHeader(unknown))
    const { shown, model } = parseModel(body.model, caller.token)
    const jsonSchema = schemaOf(body)
    const effort = body.reasoning_effort ?? body.reasoningEffort ?? undefined
    const { tools, instruction } = readTools(body)
    const messages = await images.inline(caller, body.messages, leaving(reply))
    const asked = {
      ...{ caller, headers, instruction, user: body.user || null },
      conversation: readConversation(messages),
      digest: requestDigest(caller, 'chat', headers, input),
      results: readToolResults(messages),
      options: {
        ...{ model, effort },
        ...(jsonSchema && { jsonSchema }),
        ...(tools.length > 0 && { clientTools: tools }),
      },
      isSide: sideCalls && isSideCall({ ...body, messages }),
    }
    const head = (runId: string) => completionHead(runId, shown, now())
    if (!body.stream) {
      const { answer, runId } = await answerRequest(parts, { request, reply }, asked, null)
      return renderAnswer(head(runId), answer)
    }
    const completion = createCompletionStream(reply, limits, {
      usage: body.stream_options?.include_usage === true,
      // An answer in the form of a schema is whole at its end only.
      isWhole: jsonSchema !== undefined,
    })
    const stream = { ...completion, begin: (runId: string) => completion.begin(head(runId)) }
    await streamAnswer(stream, log, () => answerRequest(parts, { request, reply }, asked, stream))
  })
}
