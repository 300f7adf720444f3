import t from 'tap'
import { createReaderQueue } from '../../../src/run/reader-queue.ts'

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
