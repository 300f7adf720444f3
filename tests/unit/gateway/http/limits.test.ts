import t from 'tap'
import { defaultLimits } from '../../../../src/gateway/http/limits.ts'

t.test('the idle timeout exceeds that of Claude Code, which is 300 s', async t => {
  t.ok(defaultLimits.idleMilliseconds > 300_000)
  t.ok(defaultLimits.headersMilliseconds > 300_000)
})

t.test('every limit is finite', async t => {
  for (const [name, value] of Object.entries(defaultLimits)) {
    t.ok(Number.isSafeInteger(value) && value > 0, name)
  }
})
