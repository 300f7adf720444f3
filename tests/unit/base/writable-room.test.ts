import { Writable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { whenRoom } from '../../../src/base/writable-room.ts'

function slowStream() {
  const waiting: (() => void)[] = []
  const stream = new Writable({
    highWaterMark: 1,
    write: (_chunk, _encoding, done) => void waiting.push(done),
  })
  return { stream, read: () => waiting.shift()?.() }
}

const listeners = (stream: Writable) =>
  ['drain', 'close', 'error'].map(name => stream.listenerCount(name))

t.test('a thousand waits on one stream leave no listener', async t => {
  const { stream, read } = slowStream()
  const before = listeners(stream)
  for (let count = 0; count < 1000; count += 1) {
    stream.write('x')
    const room = whenRoom(stream)
    read()
    await room
  }
  t.same(listeners(stream), before)
})

t.test('a stream that closes ends the wait, before it or during it', async t => {
  const { stream } = slowStream()
  stream.write('x')
  const room = whenRoom(stream)
  await setImmediate()
  stream.destroy()
  await room
  await whenRoom(stream)
  t.pass('both resolved')
})
