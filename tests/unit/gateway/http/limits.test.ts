import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import t from 'tap'
import {
  ByteMeter,
  defaultLimits,
  modelName,
  TooManyBytes,
} from '../../../../src/gateway/http/limits.ts'

t.test('the idle timeout exceeds that of Claude Code, which is 300 s', async t => {
  t.ok(defaultLimits.idleMilliseconds > 300_000)
  t.ok(defaultLimits.headersMilliseconds > 300_000)
})

t.test('every limit is finite', async t => {
  for (const [name, value] of Object.entries(defaultLimits)) {
    t.ok(Number.isSafeInteger(value) && value > 0, name)
  }
})

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

const found = (text: string) => modelName(Buffer.from(text))

t.test('the model is read from the first chunk of a request', async t => {
  t.equal(found('{"model":"claude-opus-5-5","messages":['), 'claude-opus-5-5')
  t.equal(found('{"max_tokens":1, "model" : "claude-x[1m]"'), 'claude-x[1m]')
})

t.test('only a plain name is returned', async t => {
  t.equal(found('{"messages":[]}'), undefined)
  t.equal(found('{"model":"a b"'), undefined)
  t.equal(found('{"model":"a\nb"'), undefined)
  t.equal(found(`{"model":"${'x'.repeat(100)}"`), undefined)
  t.equal(found('{"messages":"say \\"model\\":\\"secret-word\\""'), undefined)
  t.equal(found(`{${' '.repeat(4000)}"model":"late"`), undefined)
})
