import t from 'tap'
import { pasteable } from '../../../../src/web/page/pasteable.ts'

t.test('a paste holds text, lines and tabs, and no keys', async t => {
  t.equal(pasteable('a\u001b[201~rm -rf .\rb\u0003'), 'a[201~rm -rf .\rb')
  t.equal(pasteable('grün 简\n\tx\r\n'), 'grün 简\n\tx\r\n')
  t.equal(pasteable('\u009b201~'), '201~')
})
