import t from 'tap'
import { createHub, createReaderQueue } from '../../../src/run/hub.ts'
import type { RunEventBody } from '../../../src/run/result.ts'

const tick = () => new Promise(resolve => setImmediate(resolve))

t.test('values arrive in order, and the queue ends', async t => {
  const channel = createReaderQueue<number>(2)
  const read = (async () => {
    const values: number[] = []
    for await (const value of channel.read()) values.push(value)
    return values
  })()
  for (let i = 0; i < 10; i++) await channel.push(i)
  channel.close(10)
  t.same(await read, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

t.test('a slow reader slows the writer down', async t => {
  const channel = createReaderQueue<number>(2)
  const reader = channel.read()
  const first = reader.next()
  await channel.push(0)
  await first
  let pushed = 0
  const writing = (async () => {
    for (let i = 1; i <= 5; i++) {
      await channel.push(i)
      pushed = i
    }
  })()
  await tick()
  t.equal(pushed, 2)
  await reader.next()
  await tick()
  t.equal(pushed, 3)
  channel.hurry()
  await writing
  t.equal(pushed, 5, 'nothing waits any more')
})

t.test('without a reader, excess values are dropped, but not the last ones', async t => {
  const channel = createReaderQueue<number>(2)
  for (let i = 0; i < 5; i++) await channel.push(i)
  channel.close(99)
  const values: number[] = []
  for await (const value of channel.read()) values.push(value)
  t.same(values, [0, 1, 99])
})

t.test('a reader that left does not block the writer', async t => {
  const channel = createReaderQueue<number>(1)
  const writing = (async () => {
    for (let i = 0; i < 5; i++) await channel.push(i)
  })()
  for await (const _ of channel.read()) break
  await writing
  t.pass('it went on')
})

const now = () => new Date('2026-11-21T10:00:00.000Z')
const notice = (text: string): RunEventBody => ({ kind: 'notice', text })
const started: RunEventBody = {
  kind: 'started',
  runId: '0123456789abcdef',
  workspace: '/workspace',
  sessionId: 'a-session',
  warm: false,
  startedAt: now().toISOString(),
}
const question: RunEventBody = { kind: 'question', id: 'q', questions: [], deadline: 'later' }

async function read(events: AsyncIterable<{ kind: string; seq: number }>) {
  const found: [string, number][] = []
  for await (const { kind, seq } of events) found.push([kind, seq])
  return found
}

t.test('a new reader gets the current state, then later events', async t => {
  const hub = createHub({ now })
  const publish = (happening: RunEventBody) => hub.publish(hub.stamp(happening))
  for (const happening of [started, notice('passed'), question]) await publish(happening)
  const asked = hub.read({ whenFull: 'close' })
  const resumed = hub.read({ whenFull: 'close', state: false })
  await publish({ kind: 'question-closed', id: 'q', outcome: 'answered' })
  const later = hub.read({ whenFull: 'close' })
  await publish(notice('more'))
  hub.close()
  t.same(await read(asked), [
    ['started', 1],
    ['question', 3],
    ['question-closed', 4],
    ['notice', 5],
  ])
  t.same(await read(resumed), [
    ['question-closed', 4],
    ['notice', 5],
  ])
  t.same(await read(later), [
    ['started', 1],
    ['notice', 5],
  ])
  t.same(await read(hub.read({ whenFull: 'close' })), [['started', 1]], 'the hub is closed')
})

t.test('a reader that does not keep up is closed; the others go on', async t => {
  const hub = createHub({ limit: 2, now })
  const slow = hub.read({ whenFull: 'close' })
  const quick = read(hub.read({ whenFull: 'close' }))
  for (let i = 0; i < 5; i++) {
    await hub.publish(hub.stamp(notice('x')))
    await new Promise(resolve => setImmediate(resolve))
  }
  hub.close(notice('last'))
  t.same(await read(slow), [
    ['notice', 1],
    ['notice', 2],
  ])
  t.equal((await quick).length, 6)
})

t.test('nothing is held for a reader that left before it began, or that was closed', async t => {
  const hub = createHub({ limit: 2, now })
  const leaving = new AbortController()
  hub.read({ whenFull: 'close', signal: leaving.signal })
  t.equal(hub.readerCount(), 1)
  leaving.abort()
  t.equal(hub.readerCount(), 0)

  hub.read({ whenFull: 'close' })
  for (let i = 0; i < 3; i++) await hub.publish(hub.stamp(notice('x')))
  t.equal(hub.readerCount(), 0, 'its queue was full')
})

t.test('a queue is full by the size of its values, too, and one large value has room', async t => {
  const queue = createReaderQueue<string>(100, 'close', 1_000)
  await queue.push('large', 5_000)
  t.notOk(queue.isClosed())
  await queue.push('no room', 1)
  t.ok(queue.isClosed())
  queue.close()
  const values: string[] = []
  for await (const value of queue.read()) values.push(value)
  t.same(values, ['large'])
})

t.test('values that were read make room for the size of others', async t => {
  const queue = createReaderQueue<number>(100, 'wait', 1_000)
  const reader = queue.read()
  let pushed = 0
  const writing = (async () => {
    for (; pushed < 10; pushed++) await queue.push(pushed, 600)
    queue.close()
  })()
  const values: number[] = []
  for await (const value of reader) values.push(value)
  await writing
  t.same(values, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

t.test(
  'a reader of a hub is closed when large events wait for it, long before their number',
  async t => {
    const hub = createHub({ now: () => new Date(0) })
    const slow = hub.read({ whenFull: 'close' })
    const content = [{ type: 'text', text: 'x'.repeat(1024 * 1024) }]
    const message = { type: 'assistant', message: { content } }
    for (let count = 0; count < 20; count++)
      await hub.publish(hub.stamp({ kind: 'claude', message }))
    t.equal(hub.readerCount(), 0)
    hub.close()
    let seen = 0
    for await (const _ of slow) seen += 1
    t.ok(seen >= 4 && seen <= 5, `${seen} of 20 events of 1 MiB`)
    const other = createHub({ now: () => new Date(0) })
    const quick = other.read({ whenFull: 'close' })
    for (let count = 0; count < 200; count++) {
      await other.publish(other.stamp({ kind: 'notice', text: 'x'.repeat(100) }))
    }
    t.equal(other.readerCount(), 1, 'small events wait up to their number')
    other.close()
    for await (const _ of quick) seen += 1
    t.ok(seen >= 200)
  },
)
