import t from 'tap'
import { EventLineReader } from '../../../src/gateway/event-lines.ts'

function read(text: string, size = Number.POSITIVE_INFINITY) {
  const data: string[] = []
  const skipped: number[] = []
  let tooLong = 0
  const reader = new EventLineReader({
    onData: line => data.push(line),
    onSkipped: bytes => skipped.push(bytes),
    onTooLong: () => tooLong++,
  })
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size))
  return { data, skipped, tooLong }
}

const event = (type: string, more = {}) =>
  `event: ${type}\ndata: ${JSON.stringify({ type, ...more })}\n\n`

t.test('the lines with usage, in pieces of any size', async t => {
  const stream =
    event('message_start', { a: 1 }) +
    event('content_block_delta', { text: `\u{1F600}${'x'.repeat(500)}` }) +
    event('message_delta', { long: 'y'.repeat(3_000) }) +
    event('message_stop')
  for (const size of [1, 2, 3, 5, 63, 64, 65, 1_000, 100_000]) {
    const { data, skipped, tooLong } = read(stream, size)
    t.equal(data.length, 3, `in pieces of ${size}`)
    t.strictSame(
      data.map(text => JSON.parse(text).type),
      ['message_start', 'message_delta', 'message_stop'],
    )
    t.equal(skipped.length, 1)
    t.equal(tooLong, 0)
  }
})

t.test('also without their event lines, and with carriage returns', async t => {
  const { data } = read(
    'data: {"type": "message_start"}\r\n\r\ndata:{"type":"message_delta"}\r\n\r\n',
  )
  t.equal(data.length, 2)
  t.strictSame(JSON.parse(data[0] ?? ''), { type: 'message_start' })
})

t.test('what a model writes is no such line', async t => {
  const words =
    'data: {"type":"message_delta","usage":{"output_tokens":0}}\n\nevent: message_delta\n'
  const { data } = read(event('content_block_delta', { delta: { text: words } }))
  t.strictSame(data, [])
})

t.test('a name is for one event', async t => {
  t.strictSame(read('event: message_delta\n\ndata: {"no":1}\n\n').data, [])
})

t.test('a line without end is given up, and the next is read', async t => {
  const giant = `event: message_delta\ndata: ${'x'.repeat(300_000)}\n\n${event('message_stop')}`
  for (const size of [1_000, 1_000_000]) {
    const { data, tooLong } = read(giant, size)
    t.equal(tooLong, 1)
    t.equal(data.length, 1)
  }
})
