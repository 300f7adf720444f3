import type { FastifyInstance } from 'fastify'
import { HttpError } from '../../tenants/http-error.ts'
import type { Caller } from '../../tenants/tokens.ts'
import { leaving } from '../api/run.ts'
import { ignoredHeader } from '../api/run-body.ts'
import { answerRequest, type ChatRoutes, streamAnswer } from '../openai/answer-request.ts'
import type { Answer } from '../openai/chat-answer.ts'
import type { ChatMessage } from '../openai/chat-body.ts'
import { readChatHeaders, requestDigest } from '../openai/chat-headers.ts'
import { readToolResults, readTools } from '../openai/chat-tools.ts'
import { readConversation } from '../openai/conversation.ts'
import { parseModel } from '../openai/models.ts'
import { isSideCall } from '../openai/side-call.ts'
import { callerOf } from '../plugins/auth.ts'
import { runRate } from '../plugins/rate.ts'
import type { KeptResponses } from './kept-responses.ts'
import { outputOf, type ResponseObject, renderResponse, responseHead } from './response.ts'
import { createResponseStream } from './response-stream.ts'
import { chatToolsOf, messagesOf, parseResponsesBody, responseSchemaOf } from './responses-body.ts'

/** OpenAI's Responses API. Each response is a run, or the next part of one that waited for results. */
export function serveResponses(
  app: FastifyInstance,
  prefix: string,
  parts: ChatRoutes & { kept: KeptResponses },
) {
  const { limits, readJson, strict, now, log, sideCalls, images, kept } = parts
  const config = { modes: ['openai'] as const }
  const posted = { config: { ...config, rateLimit: runRate(limits) } }

  app.post(`${prefix}/responses`, posted, async (request, reply) => {
    const caller = callerOf(request)
    const headers = readChatHeaders(request)
    const input = await readJson(request)
    const { body, unknown } = parseResponsesBody(input, { strict })
    reply.headers(ignoredHeader(unknown))
    const { shown, model } = parseModel(body.model, caller.token)
    const jsonSchema = responseSchemaOf(body)
    const { instructions, previous_response_id: previous, max_output_tokens: max_tokens } = body
    const before = previous ? found(kept, caller, previous, 'previous_response_id').messages : []
    const given = [...before, ...messagesOf(body)]
    const messages = await images.inline(caller, given, leaving(reply))
    const system: ChatMessage[] = instructions ? [{ role: 'system', content: instructions }] : []
    const chatTools = chatToolsOf(body)
    const { tools, instruction } = readTools(chatTools)
    const asked = {
      ...{ caller, headers, instruction, user: body.user || null },
      conversation: readConversation([...system, ...messages]),
      digest: requestDigest(caller, 'responses', headers, input),
      results: readToolResults(messages),
      options: {
        ...{ model, effort: body.reasoning?.effort ?? undefined },
        ...(jsonSchema && { jsonSchema }),
        ...(tools.length > 0 && { clientTools: tools }),
      },
      isSide: sideCalls && isSideCall({ messages, tools: chatTools.tools, max_tokens }),
    }
    const head = responseHead(shown, body, now())
    const onEnd = (answer: Answer, response: ResponseObject) => {
      if (body.store !== false) kept.keep(caller, response, [...messages, said(answer)])
    }
    if (!body.stream) {
      const { answer } = await answerRequest(parts, { request, reply }, asked, null)
      const output = outputOf(answer)
      const response = renderResponse(head, { status: 'ended', answer, output })
      onEnd(answer, response)
      return response
    }
    const isWhole = jsonSchema !== undefined
    const stream = createResponseStream(reply, limits, { head, isWhole, onEnd })
    await streamAnswer(stream, log, () => answerRequest(parts, { request, reply }, asked, stream))
  })

  type Named = { Params: { id: string } }
  app.get<Named>(`${prefix}/responses/:id`, { config }, async request => {
    return found(kept, callerOf(request), request.params.id, 'response_id').response
  })

  app.delete<Named>(`${prefix}/responses/:id`, { config }, async request => {
    const caller = callerOf(request)
    const { id } = found(kept, caller, request.params.id, 'response_id').response
    kept.forget(caller, id)
    return { id, object: 'response', deleted: true }
  })
}

/** Returns a response of the caller. One of another token does not exist for it. */
function found(kept: KeptResponses, caller: Caller, id: string, param: string) {
  const one = kept.find(caller, id)
  if (one) return one
  throw new HttpError(404, `response ${id.slice(0, 64)} does not exist: send the whole input`, {
    more: { param, code: param === 'response_id' ? 'not_found' : 'previous_response_not_found' },
  })
}

/** Returns an answer as a message of the conversation that goes on. */
function said({ text, calls }: Answer): ChatMessage {
  const tool_calls = calls.map(({ id, name, arguments: given }) => {
    return { id, function: { name, arguments: given } }
  })
  return { role: 'assistant', content: text, ...(tool_calls.length > 0 && { tool_calls }) }
}
