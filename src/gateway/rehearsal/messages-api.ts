import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod/mini'
import { messageOf } from '../../base/errors.ts'
import { parseJson } from '../../base/json.ts'
import { readBounded } from '../../base/read-bounded.ts'
import { ApiError, apiErrorHeaders, renderApiError } from '../api-error.ts'
import {
  type Message,
  messageEvents,
  type Reply,
  renderEvent,
  tokenEstimate,
  wholeMessage,
} from './reply.ts'

const block = z.looseObject({ type: z.string() })
const content = z.union([z.string(), z.array(block)])

/**
 * The members of a Messages API request that a scripted answer needs. Loose: Claude Code sends more
 * with every version, and a rehearsal must not fail on it.
 */
export const MessagesRequest = z.looseObject({
  model: z._default(z.string(), 'unnamed'),
  stream: z._default(z.boolean(), false),
  messages: z._default(z.array(z.looseObject({ role: z.string(), content })), []),
  system: z.optional(content),
  tools: z._default(z.array(z.looseObject({ name: z.optional(z.string()) })), []),
  output_config: z.nullish(
    z.looseObject({ format: z.nullish(z.looseObject({ schema: z.unknown() })) }),
  ),
})
export type MessagesRequest = z.infer<typeof MessagesRequest>

/** A tool's result, as text. */
export interface ToolResult {
  text: string
  failed: boolean
}

/** The user's last prompt and the tool results since then, oldest first. */
export interface Turn {
  prompt: string
  results: ToolResult[]
}

const reminder = /<system-reminder>[\s\S]*?(<\/system-reminder>|$)/g

/** Returns the current turn. Skips Claude Code's reminders, which are not the user's words. */
export function currentTurn(request: MessagesRequest): Turn {
  const results: ToolResult[] = []
  const users = request.messages.filter(message => message.role === 'user')
  for (const message of users.toReversed()) {
    const blocks = asBlocks(message.content)
    const found = blocks.filter(({ type }) => type === 'tool_result').map(toolResult)
    results.unshift(...found)
    const prompt = textOf(blocks).replace(reminder, '').trim()
    if (prompt && found.length === 0) return { prompt, results }
  }
  return { prompt: '', results }
}

export function offersTool(request: MessagesRequest, name: string): boolean {
  return request.tools.some(tool => tool.name === name)
}

/** Returns the input schema of the tool with this name, or undefined. */
export function toolSchema(request: MessagesRequest, name: string): unknown {
  return request.tools.find(tool => tool.name === name)?.input_schema
}

/** Returns the working directory that Claude Code states anywhere in the request. */
export function workingDirectory(request: MessagesRequest): string | undefined {
  const places = [request.system ?? '', ...request.messages.map(message => message.content)]
  for (const place of places) {
    const found = /working directory: (\/[^\n]*)/i.exec(textOf(asBlocks(place)))
    if (found?.[1]) return found[1].trim()
  }
  return undefined
}

type Block = z.infer<typeof block>

function asBlocks(value: string | Block[]): Block[] {
  return typeof value === 'string' ? [{ type: 'text', text: value }] : value
}

function textOf(blocks: Block[]): string {
  return blocks.flatMap(({ text }) => (typeof text === 'string' ? [text] : [])).join('\n')
}

function toolResult(result: Block): ToolResult {
  const parsed = content.safeParse(result.content)
  return {
    text: parsed.success ? textOf(asBlocks(parsed.data)) : '',
    failed: result.is_error === true,
  }
}

/** One call of the scripted API, for recording. */
export interface Call {
  request: IncomingMessage
  response: ServerResponse
  body: Buffer
}

export interface ScriptedApi {
  reply: (request: MessagesRequest) => Reply
  onCall?: (call: Call) => void
}

const bodyBytes = 64 * 1024 * 1024

/** Serves a Messages API with scripted answers: the listener of an HTTP or HTTPS server. */
export function messagesApi({ reply, onCall }: ScriptedApi): RequestListener {
  return (request, response) => {
    answer(request, response, reply, onCall).catch(error => {
      // The caller disconnected or the script failed: drop this connection, keep the service.
      if (response.headersSent || !response.writable) response.destroy()
      else sendError(response, 500, messageOf(error))
    })
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  reply: ScriptedApi['reply'],
  onCall: ScriptedApi['onCall'],
) {
  const body = await readBounded(request, bodyBytes, 'the request')
  onCall?.({ request, response, body })
  const path = (request.url ?? '/').replace(/\?.*/s, '')
  switch (`${request.method} ${path}`) {
    case 'HEAD /':
      response.writeHead(200).end()
      return
    case 'POST /v1/messages/count_tokens':
      sendJson(response, 200, { input_tokens: tokenEstimate(body.length) })
      return
    case 'POST /v1/messages': {
      const parsed = MessagesRequest.safeParse(parseJson(String(body)))
      if (!parsed.success) sendError(response, 400, 'not a Messages API request')
      else await play(reply(parsed.data), parsed.data, body.length, response)
      return
    }
    default:
      sendError(response, 404, 'no such route')
  }
}

async function play(
  reply: Reply,
  request: MessagesRequest,
  requestBytes: number,
  response: ServerResponse,
) {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  if (reply.delayMilliseconds) {
    await sleep(reply.delayMilliseconds, undefined, { signal: gone.signal })
  }
  if (reply.kind === 'error') {
    const error = new ApiError(reply.status, reply.type, reply.message, {
      retry: reply.status === 429 || reply.status >= 500,
    })
    response.writeHead(reply.status, apiErrorHeaders(error))
    response.end(renderApiError(reply.type, reply.message))
    return
  }
  const message: Message = {
    model: request.model,
    blocks: reply.blocks,
    inputTokens: tokenEstimate(requestBytes),
    usage: reply.usage,
  }
  if (request.stream) await stream(reply, message, response, gone.signal)
  else sendJson(response, 200, wholeMessage(message))
}

async function stream(
  reply: Extract<Reply, { kind: 'message' }>,
  message: Message,
  response: ServerResponse,
  signal: AbortSignal,
) {
  response.writeHead(200, {
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache',
    'request-id': `req_rehearsal_${Date.now().toString(36)}`,
  })
  let deltas = 0
  for (const event of messageEvents(message)) {
    if (event.type === 'content_block_delta') {
      if (reply.dropAfter !== undefined && deltas >= reply.dropAfter) {
        response.destroy()
        return
      }
      deltas++
      if (reply.intervalMilliseconds) {
        await sleep(reply.intervalMilliseconds, undefined, { signal })
      }
    }
    if (!response.write(renderEvent(event))) await once(response, 'drain', { signal })
  }
  response.end()
}

function sendJson(response: ServerResponse, status: number, value: unknown) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function sendError(response: ServerResponse, status: number, message: string) {
  const type = status === 404 ? 'not_found_error' : 'invalid_request_error'
  response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(renderApiError(status >= 500 ? 'api_error' : type, message))
}
