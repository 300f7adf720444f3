import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createDeferred } from '../../../src/base/async.ts'
import { createScheduleControl } from '../../../src/schedules/control.ts'
import { openHistory } from '../../../src/schedules/history.ts'
import type { Job } from '../../../src/schedules/job.ts'
import { openScheduleState } from '../../../src/schedules/schedule-state.ts'
import { createScheduler } from '../../../src/schedules/scheduler.ts'
import type { JobResult } from '../../../src/schedules/sinks.ts'
import type { RunStart } from '../../../src/tenants/run-starter.ts'
import type { ServerEvent } from '../../../src/tenants/server-log.ts'
import { callerWithoutToken } from '../../../src/tenants/tokens.ts'

const main = { name: 'main', budget: {} }

const jobNamed = (name: string, more: Partial<Job> = {}): Job => ({
  ...{
    name,
    schedule: '0 9 * * *',
    timezone: 'UTC',
    workspace: undefined,
    instruction: `do ${name}`,
  },
  ...{
    caller: { tenant: 'main' },
    sink: 'telegram',
    file: null,
    telegramChatId: '1',
    telegramTopicId: null,
    keptRuns: 100,
    request: {},
  },
  ...more,
})

/** Schedules with a clock that the test sets, and runs that end when the test says so. */
function schedulesOf(
  t: Test,
  jobs: Job[],
  folder = t.testdir({ cron: {}, workspaces: { main: {} } }),
  held: Job[] = [],
) {
  let time = new Date('2026-11-30T08:00:00Z')
  const events: ServerEvent[] = []
  const sent: (JobResult & { job: string })[] = []
  const started: { start: RunStart; end: (answer: string) => void }[] = []
  const state = openScheduleState(join(folder, 'cron'))
  const history = openHistory(join(folder, 'cron/history'))
  const now = () => time
  const scheduler = createScheduler({
    ...{ state, history, now, jobs: () => jobs, held: () => held.map(job => ({ job })) },
    workspacesFolder: join(folder, 'workspaces'),
    access: {
      tenants: () => [main],
      named: name => (name === 'alice' ? callerWithoutToken('alice', main) : null),
    },
    starter: {
      async start(start) {
        const result = createDeferred<never>()
        const end = (answer: string) =>
          result.resolve({
            status: 'succeeded',
            costUsd: 0.5,
            sessionId: 'the session',
            error: null,
            claude: { result: answer },
          } as never)
        started.push({ start, end })
        const id = `${started.length}`.padStart(16, '0')
        const read = Promise.resolve()
        return { id, result: result.promise, isNew: true, started: read, read } as never
      },
    },
    sinks: { telegram: async (job, result) => void sent.push({ ...result, job: job.name }) },
    log: event => void events.push(event),
  })
  t.teardown(async () => {
    for (const { end } of started) end('')
    await scheduler.close()
  })
  const source = {
    ...{ jobs: () => jobs, isAdded: () => false, problem: () => null },
    held: () => held.map(job => ({ job, reason: 'for a test' })),
  }
  const control = createScheduleControl({ scheduler, source, state, history })
  return {
    ...{ scheduler, control, events, sent, started, folder, history, state },
    async at(text: string) {
      time = new Date(text)
      await scheduler.tick()
    },
    /** Waits for a condition: a fire goes on beside the tick. */
    async until(condition: () => unknown) {
      for (let looks = 0; !condition(); looks += 1) {
        if (looks > 3_000) throw new Error('the condition did not come true')
        await new Promise(resolve => setTimeout(resolve, 10))
      }
    },
  }
}

t.test('a job fires at its time, once, as a fresh run of its caller', async t => {
  const s = schedulesOf(t, [jobNamed('daily', { request: { model: 'opus' } })])
  await s.at('2026-11-30T08:59:59Z')
  t.equal(s.started.length, 0)
  await s.at('2026-11-30T09:00:00Z')
  await s.at('2026-11-30T09:00:01Z')
  await s.until(() => s.started.length > 0)
  t.equal(s.started.length, 1)
  t.match(s.started[0]?.start, {
    caller: { token: { name: 'schedules' }, tenant: { name: 'main' } },
    workspace: '/workspaces',
    surface: 'schedules:daily',
    asks: false,
    wait: true,
    request: { prompt: 'do daily', model: 'opus', session: { kind: 'fresh' } },
  })
  s.started[0]?.end('done')
  await s.until(() => s.sent.length > 0)
  t.match(s.sent, [
    { kind: 'ended', job: 'daily', meta: { status: 'succeeded', answer: 'done', catchUp: false } },
  ])
  const [workspace = ''] = readdirSync(join(s.folder, 'cron/history'))
  const runs = readdirSync(join(s.folder, 'cron/history', workspace))
  t.same(runs, ['20261130-090000-daily'])
  const run = join(s.folder, 'cron/history', workspace, runs[0] ?? '')
  t.same(readdirSync(run).sort(), ['activity.jsonl', 'meta.json', 'stderr.log'])
  t.match(JSON.parse(readFileSync(join(run, 'meta.json'), 'utf8')), {
    ...{ name: 'daily', schedule: '0 9 * * *', model: 'opus', instruction: 'do daily' },
    ...{ workspace: '/workspaces', workspace_slug: 'workspaces', telegram_chat_id: 1 },
    ...{ started_at: '2026-11-30T09:00:00.000Z', finished_at: /^2026-11-30T09:/, exit_code: 0 },
    ...{ error: null, status: 'succeeded', due_at: '2026-11-30T09:00:00.000Z', cost_usd: 0.5 },
    ...{ run_id: '0000000000000001', session_id: 'the session', catch_up: false, result: 'done' },
  })
  await s.at('2026-12-01T09:00:00Z')
  await s.until(() => s.started.length === 2)
  t.match(s.started[1]?.start.request.prompt, /do daily\n\n\[The previous run .*\n> done\]$/s)
})

t.test('after a downtime a job fires once, however many fires were missed', async t => {
  const hourly = [
    jobNamed('hourly', { schedule: '0 * * * *' }),
    jobNamed('yearly', { schedule: '0 0 1 1 *' }),
  ]
  const before = schedulesOf(t, hourly)
  await before.at('2026-11-30T08:30:00Z')
  const after = schedulesOf(t, hourly, before.folder)
  await after.at('2026-12-03T12:30:00Z')
  await after.at('2026-12-03T12:31:00Z')
  await after.until(() => after.started.length > 0)
  after.started[0]?.end('')
  await after.until(() => after.sent.length > 0)
  t.equal(after.started.length, 1)
  t.match(after.sent, [{ job: 'hourly', meta: { catchUp: true } }])
  await after.at('2026-12-03T13:00:00Z')
  await after.until(() => after.started.length === 2)
})

t.test('a new or changed job catches nothing up', async t => {
  const before = schedulesOf(t, [jobNamed('a', { schedule: '0 * * * *' })])
  await before.at('2026-11-30T08:30:00Z')
  const changed = [
    jobNamed('a', { schedule: '5 * * * *' }),
    jobNamed('b', { schedule: '* * * * *' }),
  ]
  const after = schedulesOf(t, changed, before.folder)
  await after.at('2026-12-03T12:30:30Z')
  t.equal(after.started.length, 0)
  await after.at('2026-12-03T12:31:00Z')
  await after.until(() => after.started.length === 1)
  t.equal(after.started[0]?.start.surface, 'schedules:b')
})

t.test('a fire while the previous run goes on is skipped and told', async t => {
  const s = schedulesOf(t, [jobNamed('slow', { schedule: '* * * * *' })])
  await s.at('2026-11-30T08:00:30Z')
  await s.at('2026-11-30T08:01:00Z')
  await s.until(() => s.started.length === 1)
  await s.at('2026-11-30T08:02:00Z')
  await s.until(() => s.sent.length === 1)
  t.match(s.sent, [{ kind: 'skipped', job: 'slow', dueAt: '2026-11-30T08:02:00.000Z' }])
  t.match(s.events.at(-1), { kind: 'schedule', event: 'skipped', reason: /in progress/ })
  await t.rejects(s.control.run('slow'), { message: /slow is in progress/ })
  s.started[0]?.end('')
  await s.until(() => s.sent.length === 2)
  await s.at('2026-11-30T08:03:00Z')
  await s.until(() => s.started.length === 2)
})

t.test('a paused job fires neither then nor for the time of its pause', async t => {
  const s = schedulesOf(t, [
    jobNamed('a', { schedule: '* * * * *' }),
    jobNamed('b', { schedule: '* * * * *' }),
  ])
  await s.at('2026-11-30T08:00:30Z')
  await s.control.pause('a')
  t.match(s.control.list(), [
    { name: 'a', paused: true, next: null },
    { name: 'b', paused: false },
  ])
  await s.at('2026-11-30T08:01:00Z')
  await s.until(() => s.started.length === 1)
  t.equal(s.started[0]?.start.surface, 'schedules:b')
  await s.control.resume('a')
  await s.at('2026-11-30T08:01:30Z')
  t.equal(s.started.length, 1)
  const again = schedulesOf(t, [jobNamed('a')], s.folder)
  await again.control.pause()
  t.equal(schedulesOf(t, [jobNamed('a')], s.folder).control.isPaused(), true, 'kept over a restart')
})

t.test('a held job fires neither then nor for that time', async t => {
  const [job, held] = [jobNamed('a', { schedule: '* * * * *' }), [] as Job[]]
  const jobs = [job]
  const s = schedulesOf(t, jobs, undefined, held)
  await s.at('2026-11-30T08:00:30Z')
  jobs.pop()
  held.push(job)
  await s.at('2026-11-30T08:01:00Z')
  t.match(s.control.list(), [{ name: 'a', held: 'for a test', next: null }])
  await t.rejects(s.control.run('a'), { message: 'job a does not fire: for a test' })
  held.pop()
  jobs.push(job)
  await s.at('2026-11-30T08:02:00Z')
  const fired = s.events.filter(event => event.kind === 'schedule' && event.event === 'fired')
  t.same(fired, [], 'what fell into it, up to its end, is over')
  await s.at('2026-11-30T08:03:00Z')
  await s.until(() => s.started.length === 1)
})

t.test(
  'a job of a token or tenant that is gone is refused by name, and a failing sink ends nothing',
  async t => {
    const s = schedulesOf(t, [
      jobNamed('gone', { caller: { token: 'bob' } }),
      jobNamed('elsewhere', { caller: { token: 'alice' }, workspace: 'none', sink: 'file' }),
    ])
    await s.at('2026-11-30T08:00:00Z')
    await s.at('2026-11-30T09:00:00Z')
    await s.until(() => s.sent.length === 1)
    t.match(s.sent, [{ meta: { status: 'refused', error: 'the token bob does not exist' } }])
    const errors = () => s.events.filter(({ kind }) => kind === 'error')
    await s.until(() => errors().length === 1)
    t.match(errors(), [{ message: /elsewhere: its result was not sent: .*no sink file/ }])
    t.equal(s.started.length, 0)
    t.match(await s.control.history('elsewhere'), [
      { status: 'refused', error: /workspace not found/ },
    ])
  },
)

t.test('a run that the last process left is told as interrupted, and not run again', async t => {
  const jobs = [jobNamed('daily')]
  const before = schedulesOf(t, jobs)
  await before.at('2026-11-30T08:59:00Z')
  await before.at('2026-11-30T09:00:00Z')
  await before.until(() => before.started.length === 1)
  const after = schedulesOf(t, jobs, before.folder)
  await after.at('2026-11-30T09:00:05Z')
  await after.scheduler.start()
  t.teardown(() => after.scheduler.close())
  t.match(after.sent, [
    { meta: { job: 'daily', status: 'interrupted', error: 'the server stopped' } },
  ])
  t.match(await after.control.history(), [{ status: 'interrupted' }])
  t.equal(after.started.length, 0)
})

t.test('templates of the system prompts are filled in too', async t => {
  const request = { systemPrompt: 'You are {job_name}.', appendSystemPrompt: '{system_datetime}' }
  const s = schedulesOf(t, [jobNamed('daily', { request })])
  await s.at('2026-11-30T08:59:00Z')
  await s.at('2026-11-30T09:00:00Z')
  await s.until(() => s.started.length === 1)
  t.match(s.started[0]?.start.request, {
    systemPrompt: 'You are daily.',
    appendSystemPrompt: '2026-11-30 09:00:00 GMT (UTC)',
  })
})
