import t from 'tap'
import { renderJobs, warnings } from '../../../../src/cli/commands/schedule.ts'
import { ScheduledJob } from '../../../../src/config/schedule-control.ts'

const job = (name: string, more: object = {}) =>
  ScheduledJob.parse({
    ...{ name, schedule: '0 9 * * *', timezone: 'UTC', workspace: null, sink: 'telegram' },
    ...{ added: true, paused: false, running: false, next: '2026-12-01T09:00:00Z', last: null },
    ...more,
  })

t.test('the list shows when a job fires next, or why it does not', async t => {
  const jobs = [job('a'), job('b', { paused: true, next: null }), job('c', { held: 'x' })]
  const [, ...rows] = renderJobs(jobs).split('\n')
  t.match(rows, [/^a .* 2026-12-01 09:00 UTC /, /^b .* paused /, /^c .* held /])
})

t.test('held jobs are named with their reason, and how to remove them', async t => {
  const hostile = 'no chat\u001b[2J'
  const jobs = [job('a'), job('b', { held: hostile }), job('c', { held: hostile })]
  const lines = warnings({ kind: 'jobs', jobs, paused: false, problem: null })
  t.equal(lines.length, 1)
  t.match(lines[0], /^held, as no chat.*: b, c\. .* schedule remove b removes one$/)
  t.notMatch(lines[0], '\u001b')
})

t.test('a job that was resumed while all are paused does not look as if it fired', async t => {
  const answer = { kind: 'jobs' as const, jobs: [job('a')], problem: null }
  t.same(warnings({ ...answer, paused: false }), [])
  t.match(warnings({ ...answer, paused: true }), [
    /^all jobs are paused, until .* schedule resume$/,
  ])
  t.match(warnings({ ...answer, paused: true, problem: 'line 3: x\u001b[2J' }), [
    /before the last change: line 3: x[^\u001b]*$/,
    /^all jobs/,
  ])
})
