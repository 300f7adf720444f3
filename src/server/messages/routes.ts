import type { FastifyInstance } from 'fastify'
import { HttpError } from '../../tenants/http-error.ts'
import { leaving } from '../api/run.ts'
import { ignoredHeader } from '../api/run-body.ts'
import { answerRequest, type ChatRoutes, streamAnswer } from '../openai/answer-request.ts'
import { readChatHeaders, requestDigest } from '../openai/chat-headers.ts'
import { readToolResults, readTools } from '../openai/chat-tools.ts'
import { readConversation } from '../openai/conversation.ts'
import { parseModel } from '../openai/models.ts'
import { newId } from '../openai/new-id.ts'
import { isSideCall } from '../openai/side-call.ts'
import { callerOf } from '../plugins/auth.ts'
import { runRate } from '../plugins/rate.ts'
import { chatMessagesOf } from './chat-messages.ts'
import { wholeMessage } from './message.ts'
import { createMessageStream } from './message-stream.ts'
import { chatToolsOf, messageSchemaOf, parseMessagesBody } from './messages-body.ts'

/** Anthropic's Messages API. Each message is a run, or the next part of one that waited for results. */
export function serveMessages(app: FastifyInstance, prefix: string, parts: ChatRoutes) {
  const { limits, readJson, strict, log, sideCalls, images } = parts
  const config = { modes: ['openai'] as const }
  const posted = { config: { ...config, rateLimit: runRate(limits) } }

  app.post(`${prefix}/messages`, posted, async (request, reply) => {
    const caller = callerOf(request)
    const headers = readChatHeaders(request)
    const input = await readJson(request)
    const { body, unknown } = parseMessagesBody(input, { strict })
    reply.headers(ignoredHeader(unknown))
    const { shown, model } = parseModel(body.model, caller.token)
    const jsonSchema = messageSchemaOf(body)
    const messages = await images.inline(caller, chatMessagesOf(body), leaving(reply))
    const chatTools = chatToolsOf(body)
    const { tools, instruction } = readTools(chatTools)
    const asked = {
      ...{ caller, headers, instruction, user: body.metadata?.user_id || null },
      conversation: readConversation(messages),
      digest: requestDigest(caller, 'messages', headers, input),
      results: readToolResults(messages),
      options: {
        ...{ model, effort: body.output_config?.effort ?? undefined },
        ...(jsonSchema && { jsonSchema }),
        ...(tools.length > 0 && { clientTools: tools }),
      },
      isSide:
        sideCalls && isSideCall({ messages, tools: chatTools.tools, max_tokens: body.max_tokens }),
    }
    const head = { id: newId('msg'), model: shown }
    if (!body.stream) {
      const { answer } = await answerRequest(parts, { request, reply }, asked, null)
      return wholeMessage(head, answer)
    }
    const stream = createMessageStream(reply, limits, { head, isWhole: jsonSchema !== undefined })
    await streamAnswer(stream, log, () => answerRequest(parts, { request, reply }, asked, stream))
  })

  app.post(`${prefix}/messages/count_tokens`, { config }, async () => {
    // A number without them would mislead a client that plans by it.
    throw new HttpError(404, 'tokens cannot be counted: Claude Code adds its own prompt and tools')
  })
}
