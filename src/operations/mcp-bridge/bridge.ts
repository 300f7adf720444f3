import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf } from '../../base/errors.ts'
import { isRecord, parseJson } from '../../base/json.ts'
import { readLines } from '../../files/lines.ts'
import type { McpEndpoint } from './find-endpoint.ts'
import {
  failure,
  isRequest,
  type Message,
  messageBytes,
  readMessages,
  rpcErrors,
} from './messages.ts'
import { createPost, type Session } from './post.ts'

export type BridgeOptions = {
  endpoint: McpEndpoint
  input: AsyncIterable<Buffer>
  /** Writes one message to the client. */
  write: (line: string) => Promise<void>
  signal: AbortSignal
}

/** Maximum number of requests in progress. */
const mostRequests = 64

/** Time in which requests may still end after the input did; then they are cancelled. */
const lastMilliseconds = 1_000

/**
 * Carries MCP between a client on stdio and the server's endpoint, for clients that cannot send a header or
 * reach the address. Ends when the input ends.
 */
export async function bridgeMcp({ endpoint, input, write, signal }: BridgeOptions): Promise<void> {
  const post = createPost(endpoint)
  const session: Session = { id: null, version: null }
  const open = new Map<unknown, AbortController>()
  const work = new Set<Promise<void>>()
  let opening: Message | null = null
  let reopening: Promise<void> | null = null
  const say = (message: Message) => write(JSON.stringify(message))

  await readAll().catch(error => {
    if (!signal.aborted) throw error
  })
  const late = new AbortController()
  const all = Promise.allSettled(work)
  await Promise.race([
    all,
    sleep(lastMilliseconds, undefined, { signal: late.signal }).catch(() => {}),
  ])
  late.abort()
  for (const controller of open.values()) controller.abort()
  await all
  await post.end(session, AbortSignal.timeout(lastMilliseconds))

  async function readAll() {
    for await (const line of readLines(input, messageBytes)) {
      if (line?.trim() === '') continue
      const message = line === null ? undefined : parseJson(line)
      if (!isRecord(message)) {
        await say(failure(null, rpcErrors.parse, 'not a JSON-RPC message of at most 64 MiB'))
        continue
      }
      const sent = isCancelOfStateless(message) ? Promise.resolve() : carry(message)
      work.add(sent)
      void sent.finally(() => work.delete(sent))
      // The session's id comes with the first answer; and no notification overtakes another.
      if (message.method === 'initialize' || !isRequest(message)) await sent
    }
  }

  /** Sends one message, and its answers to the client. Never throws: a failure is an answer. */
  async function carry(message: Message): Promise<void> {
    const { id } = message
    if (isRequest(message) && open.size >= mostRequests) {
      return say(failure(id, rpcErrors.server, 'too many requests at once'))
    }
    const controller = new AbortController()
    if (isRequest(message)) open.set(id, controller)
    try {
      const isAnswered = await exchange(message, AbortSignal.any([controller.signal, signal]))
      if (isRequest(message) && !isAnswered && !controller.signal.aborted) {
        await say(failure(id, rpcErrors.server, 'the server ended its answer early'))
      }
    } catch (error) {
      if (controller.signal.aborted || !isRequest(message)) return
      const cause = error instanceof Error && error.cause ? `: ${messageOf(error.cause)}` : ''
      const text = `the server cannot be reached: ${messageOf(error)}${cause}`
      await say(failure(id, rpcErrors.server, text))
    } finally {
      if (open.get(id) === controller) open.delete(id)
    }
  }

  /** Returns whether the request got its answer. */
  async function exchange(
    message: Message,
    signal: AbortSignal,
    isAgain = false,
  ): Promise<boolean> {
    const response = await post.message(message, session, signal)
    if (response.status === 404 && session.id !== null && !isAgain && opening) {
      await response.body?.cancel()
      await reopen(opening, signal)
      return exchange(message, signal, true)
    }
    if (!response.ok) return refuse(message, response)
    if (message.method === 'initialize') opening = message
    let isAnswered = false
    for await (const answer of readMessages(response)) {
      if (message.method === 'initialize') remember(response, answer)
      if (answer.method === undefined && answer.id === message.id) isAnswered = true
      await say(answer)
    }
    return isAnswered
  }

  /** Opens another session in the place of one that the server has no more, such as after a restart. */
  function reopen(first: Message, signal: AbortSignal): Promise<void> {
    reopening ??= (async () => {
      const response = await post.message(first, session, signal)
      for await (const answer of readMessages(response)) remember(response, answer)
      const ready = { jsonrpc: '2.0', method: 'notifications/initialized' }
      await (await post.message(ready, session, signal)).body?.cancel()
    })().finally(() => {
      reopening = null
    })
    return reopening
  }

  function remember({ headers }: Response, { result }: Message) {
    session.id = headers.get('mcp-session-id')
    const version = isRecord(result) ? result.protocolVersion : undefined
    session.version = typeof version === 'string' ? version : null
  }

  async function refuse(message: Message, response: Response): Promise<boolean> {
    let answer: Message = {}
    for await (const one of readMessages(response)) answer = one
    if (!isRequest(message)) return true
    const { id } = message
    if (isRecord(answer.error)) await say({ jsonrpc: '2.0', id, error: answer.error })
    else {
      const detail = typeof answer.detail === 'string' ? answer.detail : response.statusText
      await say(failure(id, rpcErrors.server, `the server answered ${response.status}: ${detail}`))
    }
    return true
  }

  /** Without sessions a request is cancelled by ending its connection; the notification reaches no one. */
  function isCancelOfStateless({ method, params }: Message): boolean {
    if (method !== 'notifications/cancelled' || session.id !== null) return false
    open.get(isRecord(params) ? params.requestId : undefined)?.abort()
    return true
  }
}
