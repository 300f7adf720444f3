import { isRecord, parseJson } from '../../base/json.ts'
import { createLineSplitter } from '../../files/lines.ts'

/** A JSON-RPC message; its members are another program's. */
export type Message = Record<string, unknown>

/** Maximum size of one message, above the server's limit of a body. */
export const messageBytes = 64 * 1024 * 1024

export const rpcErrors = { parse: -32_700, server: -32_000 } as const

export function isRequest(message: Message): boolean {
  return typeof message.method === 'string' && message.id !== undefined && message.id !== null
}

/** Builds the answer of a request that failed on the way. */
export function failure(id: unknown, code: number, text: string): Message {
  return { jsonrpc: '2.0', id: id ?? null, error: { code, message: text } }
}

/** Returns the protocol version that a request without a session names; null for one with a session. */
export function statelessVersion({ params }: Message): string | null {
  const meta = isRecord(params) ? params._meta : undefined
  const version = isRecord(meta) ? meta['io.modelcontextprotocol/protocolVersion'] : undefined
  return typeof version === 'string' ? version : null
}

/** Yields the messages of a body: one JSON value, or server-sent events. Throws for one that is too large. */
export async function* readMessages(response: Response): AsyncGenerator<Message> {
  if (!response.body) return
  const splitter = createLineSplitter(messageBytes)
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  let data: string[] = []
  let size = 0
  const add = (text: string) => {
    size += text.length
    if (size > messageBytes) throw new Error('a message of the server is too large')
    data.push(text)
  }
  const take = (): Message | null => {
    const parsed = data.length === 0 ? undefined : parseJson(data.join('\n'))
    data = []
    size = 0
    return isRecord(parsed) ? parsed : null
  }
  async function* lines(body: AsyncIterable<Uint8Array>) {
    for await (const chunk of body) yield* splitter.push(Buffer.from(chunk))
    yield* splitter.end()
  }
  for await (const line of lines(response.body)) {
    if (line.kind !== 'line') throw new Error('a message of the server is too large or not UTF-8')
    if (!isStream) add(line.text)
    else if (line.text === '' || line.text === '\r') {
      const message = take()
      if (message) yield message
    } else if (line.text.startsWith('data:')) add(line.text.slice(5))
  }
  const last = isStream ? null : take()
  if (last) yield last
}
