import t from 'tap'
import { jsonTooComplex } from '../../../src/server/plugins/json-shape.ts'

const check = (text: string, limits = { depth: 3, values: 5 }) =>
  jsonTooComplex(Buffer.from(text), limits)

t.test('levels and values are counted outside of strings', async t => {
  t.equal(check('[[[]]]'), null)
  t.equal(check('[[[[]]]]'), 'depth')
  t.equal(check('{"a":{"b":[{}]}}'), 'depth')
  t.equal(check('[1,2,3,4,5]'), null)
  t.equal(check('[1,2,3,4,5,6]'), 'values')
  t.equal(check('["[[[[[", "]]]", ",,,,,,"]'), null)
  t.equal(check('["\\"[[[[[["]'), null, 'a quote that is escaped ends nothing')
  t.equal(check('["\\\\",[[[1]]]]'), 'depth', 'an escaped backslash escapes nothing')
  t.equal(check('"never ended [[[['), null)
  t.equal(check(''), null)
})
