import t from 'tap'
import { oneLineJson } from '../../../src/base/json.ts'

t.test('JSON on one line has no separator that ends a line for a reader', async t => {
  const value = { text: 'one\u2028two\u2029three\nfour', '\u2028': ['\\u2028'] }
  const line = oneLineJson(value)
  t.notMatch(line, /[\n\r\u2028\u2029]/)
  t.same(JSON.parse(line), value)
})
