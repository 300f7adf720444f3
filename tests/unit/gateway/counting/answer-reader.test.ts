import t from 'tap'
import { createAnswerReader } from '../../../../src/gateway/counting/answer-reader.ts'

const stream = { 'content-type': 'text/event-stream; charset=utf-8' }
const whole = { 'content-type': 'application/json' }

function read(headers: Record<string, string>, text: string, size = 10_000) {
  const reader = createAnswerReader(headers)
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) reader?.write(bytes.subarray(at, at + size))
  return reader?.count()
}

const event = (type: string, more = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`
const start = event('message_start', {
  message: { model: 'claude-opus-5', usage: { input_tokens: 10, output_tokens: 1 } },
})
const text = event('content_block_delta', {
  delta: { text: `caf\u00e9 \u{1F600}${'w'.repeat(400)}` },
})
const delta = event('message_delta', { usage: { output_tokens: 33 } })
const stop = event('message_stop')

t.test('a stream is counted byte by byte and in one piece', async t => {
  for (const size of [1, 2, 7, 64, 100_000]) {
    const count = read(stream, start + text + text + delta + stop, size)
    t.match(count, { model: 'claude-opus-5', counted: true, complete: true, unreportedOutput: 0 })
    t.match(count?.usage.tokens, { input: 10, output: 33 })
  }
})

t.test('a broken stream counts the reported usage and the output seen', async t => {
  const count = read(stream, start + text + text)
  t.match(count, { counted: true, complete: false })
  t.match(count?.usage.tokens, { input: 10, output: 1 })
  t.ok((count?.unreportedOutput ?? 0) > 200, 'two pieces of 400 characters')
  t.match(read(stream, start.slice(0, 40)), { counted: false, model: null })
})

t.test('an answer without streaming is counted', async t => {
  const body = JSON.stringify({
    content: [{ text: 'x'.repeat(9_999) }],
    model: 'claude-opus-5',
    usage: { input_tokens: 5, output_tokens: 6 },
  })
  for (const size of [1, 100_000]) {
    const count = read(whole, body, size)
    t.match(count, { model: 'claude-opus-5', counted: true, complete: true })
    t.match(count?.usage.tokens, { input: 5, output: 6 })
  }
  t.match(read(whole, body.slice(0, -30)), { counted: false, complete: false })
})

t.test(
  'an answer without usage, or with an invalid one, is not counted and causes no error',
  async t => {
    for (const [headers, body] of [
      [stream, 'nothing of the kind'],
      [stream, ''],
      [stream, event('message_start', { message: null }) + stop],
      [stream, start + event('message_delta', { usage: { output_tokens: -5 } }) + stop],
      [stream, 'event: message_start\ndata: {"type":"message_start",\n\n'],
      [stream, `${start}event: message_delta\ndata: ${'['.repeat(100_000)}\n\n${stop}`],
      [stream, `${start}event: message_delta\ndata: ${'['.repeat(60_000)}\n\n${stop}`],
      [whole, '[]'],
      [whole, '{"usage":{"input_tokens":{"a":1}}}'],
      [whole, `{"usage":${'['.repeat(100_000)}`],
      [whole, `{"usage":"${'x'.repeat(100_000)}"}`],
    ] as const) {
      t.match(read(headers, body), { counted: false }, body.slice(0, 60))
    }
  },
)

t.test('an answer of another type, or compressed, is not read', async t => {
  t.equal(createAnswerReader({}), null)
  t.equal(createAnswerReader({ 'content-type': 'text/html' }), null)
  t.equal(createAnswerReader({ ...stream, 'content-encoding': 'gzip' }), null)
  t.ok(createAnswerReader({ ...stream, 'content-encoding': 'identity' }))
})
