import t from 'tap'
import { createRetryLimit } from '../../../../src/runner/ending/retry-limit.ts'

const retry = (delay: number, status: number | null = 529) => ({
  type: 'system',
  subtype: 'api_retry',
  retry_delay_ms: delay,
  error_status: status,
  error: 'overloaded\x1b[2J',
})

t.test('retries are allowed up to the limit', async t => {
  let now = 0
  const retryLimit = createRetryLimit(25_000, () => now)
  t.equal(retryLimit.see(retry(600)), null)
  now = 10_000
  t.equal(retryLimit.see(retry(4_000)), null)
  now = 20_000
  t.equal(retryLimit.see(retry(8_000)), 'the model API answers 529: overloaded, after 3 attempts')
})

t.test('a delay beyond the limit ends the run at once', async t => {
  const retryLimit = createRetryLimit(25_000, () => 0)
  t.match(retryLimit.see(retry(60_000, null)), /cannot be reached: overloaded, after 1 attempt$/)
})

t.test('an answer of the model resets the limit', async t => {
  let now = 0
  const retryLimit = createRetryLimit(25_000, () => now)
  retryLimit.see(retry(600))
  now = 24_000
  t.equal(retryLimit.see({ type: 'stream_event' }), null)
  now = 40_000
  t.equal(retryLimit.see(retry(600)), null)
})

t.test('retries during an open question do not count', async t => {
  let now = 0
  const retryLimit = createRetryLimit(25_000, () => now)
  const retry = { type: 'system', subtype: 'api_retry', retry_delay_ms: 1_000 }
  t.equal(retryLimit.see(retry), null)
  retryLimit.hold(true)
  now = 600_000
  t.equal(retryLimit.see(retry), null)
  retryLimit.hold(false)
  t.equal(retryLimit.see(retry), null, 'it starts over')
  now += 25_000
  t.match(retryLimit.see(retry), /cannot be reached/)
})
