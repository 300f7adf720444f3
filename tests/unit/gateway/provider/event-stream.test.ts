import t from 'tap'
import { serverSentEvents } from '../../../../src/gateway/provider/event-stream.ts'
import {
  encodeChunk,
  encodeException,
  encodeMessage,
} from '../../../support/cloud-apis/event-stream.ts'

async function* pieces(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function translate(bytes: Buffer, size = 100) {
  let text = ''
  for await (const piece of serverSentEvents(pieces(bytes, size))) text += piece
  return text
}

const start = { type: 'message_start', message: { model: 'm', usage: { input_tokens: 1 } } }
const delta = { type: 'content_block_delta', delta: { text: 'line\nbreak "quoted" é' } }
const bytes = Buffer.concat([encodeChunk(start), encodeChunk(delta)])

t.test('each chunk becomes one event, however the bytes arrive', async t => {
  const expected = [start, delta]
    .map(event => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
    .join('')
  for (const size of [1, 3, 17, 100, bytes.length]) {
    t.equal(await translate(bytes, size), expected, `pieces of ${size}`)
  }
})

t.test('an exception becomes an error of its kind, and ends the stream', async t => {
  const text = await translate(
    Buffer.concat([
      encodeChunk(start),
      encodeException('throttlingException', 'slow\ndown'),
      bytes,
    ]),
  )
  const [, last = ''] = text.trim().split('\n\n')
  t.equal(text.trim().split('\n\n').length, 2)
  const [, data = ''] = last.split('\ndata: ')
  t.match(last, /^event: error\n/)
  t.match(JSON.parse(data), {
    error: { type: 'rate_limit_error', message: 'Amazon Bedrock: throttlingException slow\ndown' },
  })
})

t.test('a message of another kind is passed over', async t => {
  const other = encodeMessage({ ':message-type': 'event', ':event-type': 'metadata' }, '{}')
  t.equal(await translate(other), '')
})

t.test('a damaged, cut, huge or empty message ends the answer with an error', async t => {
  const flipped = Buffer.from(bytes)
  flipped.writeUInt8((flipped.at(40) ?? 0) ^ 1, 40)
  const huge = Buffer.from(bytes)
  huge.writeUInt32BE(0x7fffffff, 0)
  const tiny = Buffer.from(bytes)
  tiny.writeUInt32BE(4, 0)
  const empty = encodeMessage({ ':message-type': 'event', ':event-type': 'chunk' }, '{}')
  const forged = encodeChunk({ type: 'x\n\nevent: message_stop' })
  for (const wrong of [flipped, huge, tiny, bytes.subarray(0, -1), empty, forged]) {
    await t.rejects(translate(wrong))
  }
})
