import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import { ByteMeter, TooManyBytes } from '../../../../src/gateway/counting/byte-meter.ts'

const chunks = (...texts: string[]) => Readable.from(texts.map(text => Buffer.from(text)))

t.test('bytes pass unchanged and are counted', async t => {
  const first: string[] = []
  const meter = new ByteMeter({ limit: 6, onFirst: chunk => first.push(chunk.toString()) })
  t.equal((await buffer(chunks('abc', 'def').pipe(meter))).toString(), 'abcdef')
  t.equal(meter.bytes, 6)
  t.strictSame(first, ['abc'])
})

t.test('one byte over the limit is an error', async t => {
  const meter = new ByteMeter({ limit: 5 })
  await t.rejects(
    pipeline(chunks('abc', 'def'), meter, async source => {
      for await (const _ of source);
    }),
    TooManyBytes,
  )
})
