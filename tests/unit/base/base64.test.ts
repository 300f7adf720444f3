import t from 'tap'
import { isBase64 } from '../../../src/base/base64.ts'

t.test('base64 is digits with at most two signs of padding', async t => {
  for (const text of ['YQ', 'YQ=', 'YQ==', '+/09azAZ', 'a'.repeat(30_000_000)]) {
    t.ok(isBase64(text), text.slice(0, 20))
  }
  for (const text of [
    '',
    '=',
    '==',
    'YQ===',
    'Y=Q',
    'YQ\n',
    'Y Q=',
    'Y-Q_',
    'é',
    '\u0141Q',
    '\0',
  ]) {
    t.notOk(isBase64(text), JSON.stringify(text))
  }
})
