import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseCronFile } from '../../../src/schedules/cron-file.ts'
import type { SinkName } from '../../../src/schedules/job.ts'
import { openJobSource } from '../../../src/schedules/job-source.ts'
import type { ServerEvent } from '../../../src/tenants/server-log.ts'

const defaults = { timezone: 'UTC', tenant: 'main' }
const parse = (text: string) => parseCronFile(text, 'cron.yml', defaults)

t.test("claudebox's file is taken, and a job's own value wins over the root's", async t => {
  const jobs = parse(`
model: haiku
effort: low
system_prompt: ""
append_system_prompt: Be brief.
telegram_chat_id: -100123
jobs:
  - name: daily_report
    schedule: "0 9 * * *"
    instruction: Report.
  - name: fast
    schedule: "*/30 * * * * *"
    instruction: Look.
    model: opus
    telegram_chat_id: "42"
    sink: none
    timezone: Europe/Berlin
    token: alice
    workspace: app
`)
  t.match(jobs[0], {
    name: 'daily_report',
    timezone: 'UTC',
    caller: { tenant: 'main' },
    sink: 'telegram',
    telegramChatId: '-100123',
    request: { model: 'haiku', effort: 'low', appendSystemPrompt: 'Be brief.' },
  })
  t.notOk('systemPrompt' in (jobs[0]?.request ?? {}), 'an empty value is absent')
  t.match(jobs[1], {
    timezone: 'Europe/Berlin',
    caller: { token: 'alice' },
    workspace: 'app',
    sink: 'none',
    telegramChatId: '42',
    request: { model: 'opus', effort: 'low' },
  })
})

t.test("claudebox's other keys keep their meaning", async t => {
  const [silent, told] = parse(`
telegram_chat_id: -100123
workspace: app
keep_runs: 7
thinking: high
jobs:
  - { name: a, schedule: "0 0 9 * * *", instruction: x, telegram_chat_id: 0, workspace: ".", no_continue: true }
  - { name: b, schedule: "0 9 * * *", instruction: x, thinking: "off", effort: max, keep_runs: 500 }
`)
  t.match(silent, { sink: 'none', telegramChatId: null, workspace: undefined, keptRuns: 7 })
  t.equal(silent?.request.effort, 'high')
  t.match(told, { sink: 'telegram', telegramChatId: '-100123', workspace: 'app', keptRuns: 500 })
  t.equal(told?.request.effort, 'max')
  t.equal(parse('jobs: [{ name: a, schedule: "0 9 * * *", instruction: x }]')[0]?.keptRuns, 100)
})

t.test('an error names the job and the line', async t => {
  const job = (more: string) =>
    `jobs:\n  - name: a\n    schedule: "0 3 * * *"\n    instruction: x\n${more}`
  const cases: [string, RegExp][] = [
    [job('    effort: great\n'), /cron\.yml line 5: job a: effort /],
    [job('    sinkk: none\n'), /line 5: job a: sinkk is not a key/],
    [job('    workspace: ../b\n'), /line 5: job a: workspace must be a relative path/],
    [job('    keep_runs: 1001\n'), /line 5: job a: keep_runs /],
    [job('    timezone: Mars\n'), /line 5: job a: timezone must be a time zone/],
    [job('    workspace: ../other\n'), /line 5: job a: workspace must be a relative path/],
    [job('    sink: telegram\n'), /line 2: job a: sink telegram needs telegram_chat_id/],
    [
      job('  - name: a\n    schedule: "0 3 * * *"\n    instruction: y\n'),
      /line 5: job a: name is the name of another job/,
    ],
    [
      job('  - name: b\n    schedule: "0 99 * * *"\n    instruction: y\n'),
      /line 6: job b: schedule /,
    ],
    [job('  - schedule: "0 3 * * *"\n    instruction: y\n'), /line 5: job number 2: name /],
    [job('  - name: "b c"\n'), /line 5: job b c: name must be/],
    ['jobs: [', /line 1: /],
    ['model: --x\njobs: []', /line 1: model must be the name of a model/],
    ['jobs: 3', /line 1: jobs /],
  ]
  for (const [text, message] of cases) t.throws(() => parse(text), { message }, text)
  t.same(parse(''), [], 'an empty file has no jobs')
})

t.test('a changed file is taken, and a broken one keeps the jobs that were in force', async t => {
  const folder = t.testdir({})
  const path = join(folder, 'cron.yml')
  const write = (name: string) =>
    writeFileSync(path, `jobs: [{ name: ${name}, schedule: "0 3 * * *", instruction: x }]`)
  write('first')
  let now = 0
  const events: ServerEvent[] = []
  const open = (sinks: SinkName[] = ['none', 'file']) =>
    openJobSource({
      ...{ path, defaults, sinks, now: () => now },
      state: { version: 1, paused: false, jobs: {}, added: [], origins: {}, users: {} },
      refusalOf: () => 'no chat',
      log: event => void events.push(event),
    })
  const source = open()
  const names = () => {
    now += 200
    return source.jobs().map(({ name }) => name)
  }
  t.same(names(), ['first'])
  write('second')
  t.same(names(), ['second'])
  writeFileSync(path, 'jobs: [')
  t.same(names(), ['second'])
  t.match(source.problem(), /line 1/)
  t.match(events.at(-1), { kind: 'error', message: /kept the earlier jobs: .*line 1/, hint: /./ })
  t.throws(() => open(), { message: /line 1/ }, 'a start without its jobs is not silent')
  write('third')
  t.same(names(), ['third'])
  t.equal(source.problem(), null)
  writeFileSync(path, 'sink: webhook\njobs: [{ name: a, schedule: "0 3 * * *", instruction: x }]')
  t.throws(() => open(), { message: /needs WEBHOOK_URL/ })
  t.equal(open(['none', 'webhook']).jobs().length, 1)
  writeFileSync(
    path,
    'telegram_chat_id: "1"\njobs: [{ name: a, schedule: "0 3 * * *", instruction: x }]',
  )
  t.throws(
    () => open(),
    { message: /job a: this server has no sink telegram/, hint: /none, file/ },
    'a job whose answers reach nobody does not run',
  )
})
