import t from 'tap'
import { EventLineReader } from '../../../../src/gateway/counting/event-lines.ts'

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

t.test('lines with usage are found in chunks of any size', async t => {
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

t.test('lines are found without their event lines, and with carriage returns', async t => {
  const { data } = read(
    'data: {"type": "message_start"}\r\n\r\ndata:{"type":"message_delta"}\r\n\r\n',
  )
  t.equal(data.length, 2)
  t.strictSame(JSON.parse(data[0] ?? ''), { type: 'message_start' })
})

t.test('text of the model is not taken for such a line', async t => {
  const words =
    'data: {"type":"message_delta","usage":{"output_tokens":0}}\n\nevent: message_delta\n'
  const { data } = read(event('content_block_delta', { delta: { text: words } }))
  t.strictSame(data, [])
})

t.test('an event line applies to one event', async t => {
  t.strictSame(read('event: message_delta\n\ndata: {"no":1}\n\n').data, [])
})

t.test('an overlong line is skipped, and the next one is read', async t => {
  const giant = `event: message_delta\ndata: ${'x'.repeat(300_000)}\n\n${event('message_stop')}`
  for (const size of [1_000, 1_000_000]) {
    const { data, tooLong } = read(giant, size)
    t.equal(tooLong, 1)
    t.equal(data.length, 1)
  }
})

/** Numbers that look random, and are the same in each run. */
function numbers(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** What the reader is to find, from the whole text at once. */
function expected(text: string) {
  const data: string[] = []
  const skipped: number[] = []
  let named = false
  for (const line of text.split('\n').slice(0, -1)) {
    const head = line.slice(0, 64)
    if (head.startsWith('data:')) {
      const wanted = named || /"type"\s*:\s*"message_(start|delta|stop)"/.test(head)
      if (wanted) data.push(line.slice('data:'.length))
      else skipped.push(line.length)
    } else if (head.startsWith('event:')) {
      named = /^event: ?message_(start|delta|stop)\r?$/.test(head)
    } else if (line === '' || line === '\r') named = false
  }
  return { data, skipped, tooLong: 0 }
}

const deltaName = 'event: content_block_delta\n'
const deltaData = 'data: {"type":"content_block_delta","index":'
const usual = `${deltaName}${deltaData}0,"delta":{"type":"text_delta","text":"word"}}\n\n`
const fragments = [
  usual,
  usual,
  deltaName,
  deltaName.trimEnd(),
  deltaData,
  `${deltaName}${deltaData}7`,
  `${deltaName}${deltaData}"type":"message_stop"}\n`,
  `${deltaName}${deltaData}1,"type":"message_stop"}\n`,
  `${deltaName}data: {"type":"content_block_delta","type":"message_delta","index":0}\n`,
  `${deltaName}\n${deltaData}2`,
  'event: message_delta\n',
  'event: message_stop\r\n',
  'data: {"type":"message_delta","usage":{}}\n',
  'data:{"type": "message_stop"}\r\n',
  'data: ',
  'event: ',
  ': comment\n',
  '\n',
  '\r\n',
  '\r',
  ' ',
  '9',
  '"type":"message_start"',
  'x'.repeat(57),
  'y'.repeat(300),
]

t.test('any chunks yield the same lines as the whole text, even hostile lines', async t => {
  const next = numbers(4)
  let found = 0
  for (let round = 0; round < 3_000; round++) {
    let text = ''
    for (let count = next(12); count >= 0; count--) text += fragments[next(fragments.length)] ?? ''
    const wanted = expected(text)
    found += wanted.data.length + wanted.skipped.length
    for (const size of [Number.POSITIVE_INFINITY, 1 + next(100), 1 + next(8)]) {
      const seen = read(text, size)
      if (JSON.stringify(seen) === JSON.stringify(wanted)) continue
      t.strictSame(seen, wanted, `${JSON.stringify(text)} in pieces of ${size}`)
      return
    }
  }
  t.ok(found > 5_000, `${found} lines of data`)
})
