import { Readable } from 'node:stream'
import t from 'tap'
import { readBounded } from '../../../src/base/read-bounded.ts'

const chunksOf = (...texts: string[]) => Readable.from(texts.map(text => Buffer.from(text)))

t.test('a stream is read to its end, up to the limit', async t => {
  t.equal(String(await readBounded(chunksOf('ab', 'cd'), 4, 'the request')), 'abcd')
  t.equal(String(await readBounded(chunksOf(), 4, 'the request')), '')
})

t.test('a longer stream is refused before its end, and closed', async t => {
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(8)
    })(),
  )
  await t.rejects(readBounded(endless, 20, 'the request'), {
    message: 'the request is larger than 20 bytes',
  })
  t.equal(endless.destroyed, true)
})
