import t from 'tap'
import { defaultLimits } from '../../../../src/gateway/http/limits.ts'

t.test(
  'the gateway is more patient than Claude Code, which gives up after 300 s of silence',
  async t => {
    t.ok(defaultLimits.idleMilliseconds > 300_000)
    t.ok(defaultLimits.headersMilliseconds > 300_000)
  },
)

t.test('every bound is a bound', async t => {
  for (const [name, value] of Object.entries(defaultLimits)) {
    t.ok(Number.isSafeInteger(value) && value > 0, name)
  }
})
