import t from 'tap'
import { localTime, nextFire, problemOfSchedule } from '../../../src/schedules/timetable.ts'

const next = (schedule: string, after: string, timezone = 'UTC') =>
  nextFire({ schedule, timezone }, new Date(after))?.toISOString() ?? null

t.test('five fields begin with minutes, six with seconds', async t => {
  t.equal(next('30 9 * * *', '2026-11-30T09:30:00Z'), '2026-12-01T09:30:00.000Z', 'after, not at')
  t.equal(next('15 30 9 * * *', '2026-11-30T09:30:00Z'), '2026-11-30T09:30:15.000Z')
  t.equal(next('*/20 * * * * *', '2026-11-30T09:30:21Z'), '2026-11-30T09:30:40.000Z')
  t.equal(
    next('0 9 * * 1-5', '2026-11-27T10:00:00Z'),
    '2026-11-30T09:00:00.000Z',
    'not at weekends',
  )
  t.equal(next('0 0 1 * 1', '2026-03-28T00:00:00Z'), '2026-03-30T00:00:00.000Z', 'day or weekday')
})

t.test('a schedule is in the time of its zone', async t => {
  t.equal(next('0 9 * * *', '2026-07-01T00:00:00Z', 'Europe/Berlin'), '2026-07-01T07:00:00.000Z')
  t.equal(next('0 9 * * *', '2026-12-01T00:00:00Z', 'Europe/Berlin'), '2026-12-01T08:00:00.000Z')
})

t.test('a change to or from summer time neither loses nor repeats a fire', async t => {
  const berlin = (after: string) => next('30 2 * * *', after, 'Europe/Berlin')
  t.equal(berlin('2026-03-28T12:00:00Z'), '2026-03-29T01:00:00.000Z', '02:30 does not exist')
  t.equal(berlin('2026-03-29T01:00:00Z'), '2026-03-30T00:30:00.000Z')
  t.equal(berlin('2026-10-24T12:00:00Z'), '2026-10-25T00:30:00.000Z', 'the first 02:30')
  t.equal(berlin('2026-10-25T00:30:00Z'), '2026-10-26T01:30:00.000Z', 'not the second one')
})

t.test('what is not a schedule of 5 or 6 fields, or never fires, is refused', async t => {
  for (const wrong of [
    '',
    '* * *',
    '61 * * * *',
    '@daily',
    '2026-01-01T00:00:00',
    '* * * * * * 2027',
  ]) {
    t.type(problemOfSchedule(wrong), 'string', wrong)
  }
  t.equal(problemOfSchedule('0 0 30 2 *'), 'never fires')
  t.equal(problemOfSchedule('0 3 * * *'), null)
  t.equal(problemOfSchedule('0 0 3 * * *'), null)
})

t.test('a local time is not labelled as UTC', async t => {
  const at = new Date('2026-07-01T07:00:00Z')
  t.equal(localTime(at, 'Europe/Berlin'), '2026-07-01 09:00:00 GMT+02:00 (Europe/Berlin)')
  t.match(localTime(at, 'UTC'), /^2026-07-01 07:00:00 GMT \(UTC\)$/)
})
