import { EventStreamCodec } from '@smithy/core/event-streams'
import { isRecord, parseJson } from '../../base/json.ts'
import { renderApiError } from '../api-error.ts'
import { errorTypeOf } from './provider.ts'

/** The length prefix of a message; its own four bytes included. */
const prefixBytes = 4
/** Bytes of a message without headers and body: prelude and two checksums. */
const smallest = 16
const largest = 16 * 1024 * 1024

const codec = new EventStreamCodec(
  bytes => Buffer.from(bytes).toString(),
  text => Buffer.from(text),
)

/** Statuses of the exceptions that Bedrock sends inside a stream. */
const statuses: Record<string, number> = {
  internalServerException: 500,
  modelStreamErrorException: 424,
  modelTimeoutException: 408,
  serviceUnavailableException: 503,
  throttlingException: 429,
  validationException: 400,
}

/**
 * Translates Amazon's event stream into the server-sent events of the Messages API. Each message carries
 * one event of the Messages API in base64. Throws on a damaged stream, which must not look complete.
 */
export async function* serverSentEvents(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const message of messages(source)) {
    const { headers, body } = codec.decode(message)
    const text = (name: string) => String(headers[name]?.value ?? '')
    const value = parseJson(Buffer.from(body).toString())
    if (text(':message-type') !== 'event') {
      const kind = text(':exception-type') || text(':error-code')
      const detail = isRecord(value) && typeof value.message === 'string' ? value.message : ''
      const type = errorTypeOf(statuses[kind] ?? 500)
      const words = `Amazon Bedrock: ${kind} ${detail || text(':error-message')}`
      yield Buffer.from(
        `event: error\ndata: ${renderApiError(type, words.trim().slice(0, 1000))}\n\n`,
      )
      return
    }
    if (text(':event-type') !== 'chunk') continue
    yield Buffer.from(renderEvent(value))
  }
}

/** Renders the parsed event again, so that no line break inside can begin another event. */
function renderEvent(value: unknown): string {
  const encoded = isRecord(value) && typeof value.bytes === 'string' ? value.bytes : ''
  const event = parseJson(Buffer.from(encoded, 'base64').toString())
  if (!isRecord(event) || typeof event.type !== 'string' || !/^\w{1,64}$/.test(event.type)) {
    throw new Error('Amazon Bedrock sent a chunk without an event')
  }
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
}

/** Cuts the bytes into messages by their length prefix. Joins chunks only when a whole message is there. */
async function* messages(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let pending: Buffer[] = []
  let size = 0
  let needed = prefixBytes
  for await (const chunk of source) {
    pending.push(chunk)
    size += chunk.length
    if (size < needed) continue
    let bytes = Buffer.concat(pending)
    needed = prefixBytes
    while (bytes.length >= needed) {
      const length = bytes.readUInt32BE(0)
      if (length < smallest || length > largest) {
        throw new Error(`Amazon Bedrock sent a message of ${length} bytes`)
      }
      needed = length
      if (bytes.length < length) break
      yield bytes.subarray(0, length)
      bytes = bytes.subarray(length)
      needed = prefixBytes
    }
    pending = [bytes]
    size = bytes.length
  }
  if (size > 0) throw new Error('Amazon Bedrock ended the stream inside a message')
}
