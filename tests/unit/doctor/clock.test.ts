import t from 'tap'
import { judgeClock } from '../../../src/doctor/clock.ts'

const now = Date.parse('2026-11-21T12:00:00Z')
const packagesOf = Date.parse('2026-11-20')
const clock = (change: Partial<Parameters<typeof judgeClock>[0]>) =>
  judgeClock({ host: now, engine: now, upstream: null, packagesOf, ...change })

t.test('a correct clock names the clocks that agree', async t => {
  t.match(clock({}), {
    severity: 'ok',
    message: 'clock agrees with the engine, the pinned packages',
  })
  t.match(clock({ upstream: now - 2_000 }).message, /the model's host/)
  t.match(clock({ engine: null }), { severity: 'ok', message: /with the pinned packages$/ })
})

t.test('a wrong clock names the difference and the other clock', async t => {
  t.match(clock({ engine: now + 300_000 }), {
    severity: 'warning',
    message: /300 s behind .*engine/,
  })
  t.match(clock({ upstream: now - 90_000 }), {
    severity: 'warning',
    message: /90 s ahead of .*model's host/,
  })
})

t.test('a clock before the date of the packages is a problem, even if others agree', async t => {
  const host = Date.parse('1970-01-02')
  t.match(clock({ host, engine: host }), { severity: 'refusal', message: /1970-01-02/ })
})
