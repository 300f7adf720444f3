import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { ApiError, tooManyRequests } from './api-error.ts'
import type { Message } from './bot-objects.ts'
import { createChats } from './chats.ts'
import { createFaults, type Fault } from './faults.ts'
import { createFiles } from './files.ts'
import { createMethods, limited } from './methods.ts'
import { type Parameters, readParameters } from './parameters.ts'
import { createPeople } from './people.ts'
import { type Bucket, type BucketName, createRates } from './rates.ts'
import { botToken } from './token.ts'
import { createUpdateQueue } from './update-queue.ts'

/** A request of the bot. */
export type SeenCall = {
  method: string
  /** Milliseconds since 1970. */
  at: number
  chat: number | null
  values: Record<string, unknown>
  files: { field: string; name: string; size: number }[]
  /** Of the answer; 0 for a request without one. */
  status: number
  /** Why it was refused; null when it was not. */
  refusal: string | null
}

export type BotApiOptions = {
  token?: string
  limits?: Record<BucketName, Bucket>
  /** Answers 429 above the limits, as Telegram does. Otherwise the excess is recorded, and performed. */
  enforceLimits?: boolean
}

/** Creates the Bot API of one bot: the listener for its requests, and the control of a test. */
export function createBotApi(options: BotApiOptions = {}) {
  const { token = botToken, enforceLimits = false } = options
  const calls: SeenCall[] = []
  const presses = new Set<string>()
  const commands = new Map<string, unknown>()
  const [chats, files, queue, faults] = [
    createChats(),
    createFiles(),
    createUpdateQueue(),
    createFaults(),
  ]
  const rates = createRates(options.limits)
  const methods = createMethods({ chats, files, queue, presses, commands })
  const people = createPeople({ chats, files, queue, presses })

  async function callMethod(
    name: string,
    parameters: Parameters,
    seen: SeenCall,
    gone: AbortSignal,
  ): Promise<unknown> {
    const method = methods[name]
    if (!method) throw new ApiError(404, 'Not Found: method not found')
    if (limited.test(name) && seen.chat !== null) {
      const excess = rates.count(seen.chat)
      if (excess && enforceLimits) throw tooManyRequests(excess.retryAfter)
    }
    return method(parameters, gone)
  }

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const gone = new AbortController()
    response.once('close', () => gone.abort())
    const [, kind, given = '', rest = ''] =
      /^\/(bot|file\/bot)([^/]*)\/([^?]*)/.exec(request.url ?? '') ?? []
    const seen = newCall(kind === 'bot' ? rest : 'file')
    try {
      if (!kind || !/^\d+:[\w-]{35}$/.test(given)) throw new ApiError(404, 'Not Found')
      if (given !== token) throw new ApiError(401, 'Unauthorized')
      const parameters = await readParameters(request)
      Object.assign(seen, describe(parameters))
      calls.push(seen)
      const fault = faults.next(seen.method, seen.chat)
      if (fault?.kind === 'error') {
        throw new ApiError(fault.code, fault.description, fault.parameters)
      }
      if (fault?.kind === 'hang') return
      if (fault?.kind === 'cut') return void request.socket.destroy()
      if (fault?.kind === 'html') return sendHtml(response, fault.code)
      const result =
        kind === 'bot' ? await callMethod(rest, parameters, seen, gone.signal) : download(rest)
      if (fault?.kind === 'lost') return void request.socket.destroy()
      seen.status = 200
      if (Buffer.isBuffer(result)) {
        return response.writeHead(200, { 'content-length': result.length }).end(result)
      }
      return sendJson(response, 200, { ok: true, result })
    } catch (error) {
      const known = error instanceof ApiError ? error : new ApiError(500, `stand-in: ${error}`)
      Object.assign(seen, { status: known.code, refusal: known.message })
      // The rest of a body that is too large is not read.
      if (known.code === 413) response.setHeader('connection', 'close')
      const { code, message, parameters } = known
      const body = { ok: false, error_code: code, description: message, parameters }
      return sendJson(response, code, body)
    }
  }

  function download(path: string): Buffer {
    const content = files.download(decodeURIComponent(path))
    if (content) return content
    throw new ApiError(404, 'Not Found')
  }

  const control = {
    ...people,
    /** Puts in an update of any content. */
    raw: (kind: string, content: unknown): number | null => queue.push(kind, content),
    /** Makes the next requests fail. */
    fail: (fault: Fault) => faults.add(fault),
    heal: () => faults.clear(),
    /** Returns the requests of the bot in their order, optionally of one method or chat; getUpdates only if named. */
    calls: ({ method, chat }: { method?: string; chat?: number } = {}): SeenCall[] =>
      calls.filter(
        call =>
          (method === undefined ? call.method !== 'getUpdates' : call.method === method) &&
          (chat === undefined || call.chat === chat),
      ),
    /** Returns the messages that a chat shows, oldest first: edits are made, deleted ones are gone. */
    messages: (chat: number): Message[] => chats.messages(chat),
    /** Returns the content of a file as base64, with its name. */
    file(id: string): { name: string | null; base64: string } | null {
      const content = files.content(id)
      return content && { name: content.name, base64: content.bytes.toString('base64') }
    },
    updates: () => queue.state(),
    /** Asks for updates as another program with the token: the poll in progress ends with 409. */
    pollElsewhere(): void {
      const request = { offset: 0, limit: 1, timeout: 0 }
      void queue.take(request, new AbortController().signal).catch(() => {})
    },
    rates: () => rates.state(),
    /** Returns the ids of the presses that the bot has not answered. */
    unanswered: (): string[] => [...presses],
    commands: () => Object.fromEntries(commands),
  }
  const listener: RequestListener = (request, response) => void answer(request, response)
  return { listener, control }
}
export type BotApiControl = ReturnType<typeof createBotApi>['control']

function newCall(method: string): SeenCall {
  const at = Date.now()
  return { method, at, chat: null, values: {}, files: [], status: 0, refusal: null }
}

function describe({ values, uploads }: Parameters): Partial<SeenCall> {
  const chat = values.chat_id === undefined ? null : Number(values.chat_id)
  const files = [...uploads].map(([field, { name, bytes }]) => ({
    ...{ field, name },
    size: bytes.length,
  }))
  return { chat, values, files }
}

function sendJson(response: ServerResponse, status: number, body: unknown) {
  if (response.destroyed) return
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function sendHtml(response: ServerResponse, status: number) {
  const page = `<html><head><title>${status}</title></head><body>nginx</body></html>\r\n`
  response.writeHead(status, { 'content-type': 'text/html' }).end(page)
}
