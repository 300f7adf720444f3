import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { until } from '../../../src/base/async.ts'
import { openSchedules } from '../../../src/schedules/open-schedules.ts'
import { openAccess } from '../../../src/tenants/tokens.ts'
import { storedToken, token } from '../server/fixture.ts'
import { startRunning } from '../server/running.ts'

async function start(
  t: Test,
  cron: string,
  {
    hasWebhook = false,
    ...options
  }: Parameters<typeof startRunning>[1] & {
    hasWebhook?: boolean
  } = {},
) {
  const server = await startRunning(t, options)
  const log = (event: (typeof server.events)[number]) => void server.events.push(event)
  const store = join(server.folder, 'store')
  mkdirSync(store, { recursive: true })
  const path = join(server.folder, 'cron.yml')
  writeFileSync(path, cron)
  const schedules = openSchedules({
    ...{ path, log, storeFolder: store, timezone: 'UTC', hasWebhook },
    access: openAccess({ folder: server.files.folder, withoutToken: false, log }),
    starter: server.starter,
    workspacesFolder: server.folder,
    bot: {
      sink: async () => {},
      refusalOf: ({ telegramChatId }) => (telegramChatId === '7' ? null : 'not 7'),
    },
  })
  await schedules.start()
  t.teardown(() => schedules.close())
  const { control } = schedules
  const ended = (name: string, count = 1) =>
    until(
      async () => {
        const runs = await control.history(name)
        return runs.filter(({ endedAt }) => endedAt !== null).length >= count ? runs : null
      },
      { every: 50, timeout: 60_000 },
    )
  const workspace = (name: string) => {
    const folder = join(server.runner.root, 'workspaces', name)
    mkdirSync(folder, { recursive: true })
    return folder
  }
  return { ...server, schedules, control, ended, store, workspace }
}

t.test('a job of every second runs by itself, and its history and run are kept', async t => {
  const s = await start(
    t,
    'jobs: [{ name: tick, schedule: "* * * * * *", instruction: "hello {job_name}" }]',
  )
  const runs = await s.ended('tick')
  await s.control.pause()
  const run = runs?.at(-1)
  t.match(run, { status: 'succeeded', catchUp: false, error: null })
  const [place = ''] = readdirSync(join(s.store, 'cron/history'))
  const folder = join(
    s.store,
    'cron/history',
    place,
    readdirSync(join(s.store, 'cron/history', place))[0] ?? '',
  )
  const lines = readFileSync(join(folder, 'activity.jsonl'), 'utf8').trim().split('\n')
  t.equal(place, 'workspaces')
  const messages = lines.map(line => JSON.parse(line))
  t.match(messages[0], { type: 'system', subtype: 'init', session_id: /./ }, "Claude Code's own")
  t.equal(messages.filter(({ type }) => type === 'result').length, 1)
  t.match(messages.at(-1), { type: 'result', subtype: 'success', result: run?.answer })
  t.notMatch(lines.join(), /stream_event|"kind"/)
  const meta = JSON.parse(readFileSync(join(folder, 'meta.json'), 'utf8'))
  t.match(meta, { name: 'tick', instruction: 'hello tick', workspace: '/workspaces', exit_code: 0 })
  t.equal(meta.session_id, messages[0].session_id)
  const kept = await s.of('main').find(run?.runId ?? '')
  t.match(kept, { owner: 'schedules', surface: 'schedules:tick', state: 'succeeded' })
})

t.test('a job has the limits of its token', async t => {
  const tokens = [
    storedToken('default', token),
    storedToken('poor', 'x', { budget: { usdPerDay: 1 } }),
    storedToken('small', 'y', { models: ['haiku'], workspaces: ['app'] }),
  ]
  const s = await start(
    t,
    `
jobs:
  - { name: poor, schedule: "0 0 1 1 *", instruction: hello, token: poor }
  - { name: model, schedule: "0 0 1 1 *", instruction: hello, token: small, model: opus }
  - { name: place, schedule: "0 0 1 1 *", instruction: hello, token: small, workspace: other }
  - { name: good, schedule: "0 0 1 1 *", instruction: hello, token: small }
`,
    { tokens, spent: () => ({ usd: 5, tokens: 0 }) },
  )
  s.workspace('app')
  s.workspace('other')
  for (const name of ['poor', 'model', 'place', 'good']) await s.control.run(name)
  t.match(await s.ended('poor'), [{ status: 'refused', error: /budget/ }])
  t.match(await s.ended('model'), [{ status: 'refused', error: /model opus is not allowed/ }])
  t.match(await s.ended('place'), [{ status: 'refused', error: /workspace not found: other/ }])
  t.match(await s.ended('good'), [{ status: 'succeeded' }])
})

t.test('the sink file writes the answer below the workspace, through no link', async t => {
  const s = await start(
    t,
    `
sink: file
workspace: app
jobs:
  - { name: report, schedule: "0 0 1 1 *", instruction: hello, file: reports/daily.md }
  - { name: evil, schedule: "0 0 1 1 *", instruction: hello, file: link/stolen.md }
`,
  )
  const app = s.workspace('app')
  const outside = s.workspace('outside')
  symlinkSync(outside, join(app, 'link'))
  await s.control.run('report')
  await s.ended('report')
  const written = await until(
    async () => (existsSync(join(app, 'reports/daily.md')) ? 'yes' : null),
    { every: 20, timeout: 60_000 },
  )
  t.equal(written, 'yes')
  t.equal(
    readFileSync(join(app, 'reports/daily.md'), 'utf8'),
    `${(await s.ended('report'))?.[0]?.answer}\n`,
  )
  await s.control.run('evil')
  const told = await until(
    async () =>
      s.events.find(
        event => event.kind === 'error' && /evil: its result was not sent/.test(event.message),
      ),
    { every: 20, timeout: 60_000 },
  )
  t.ok(told)
  t.same(readdirSync(outside), [])
})

t.test('the sink webhook leaves the report to the store, which has the surface', async t => {
  const cron = 'jobs: [{ name: a, schedule: "0 0 1 1 *", instruction: hello, sink: webhook }]'
  const s = await start(t, cron, { hasWebhook: true })
  await s.control.run('a')
  const [run] = (await s.ended('a')) ?? []
  t.match(await s.of('main').find(run?.runId ?? ''), { surface: 'schedules:a' })
  t.notOk(s.events.some(({ kind }) => kind === 'error'))
})

t.test('jobs of a chat are added, bounded to it, and kept over a restart', async t => {
  const s = await start(t, 'jobs: [{ name: a, schedule: "0 3 * * *", instruction: x }]')
  const every = {
    name: 'b',
    schedule: '0 9 * * 1-5',
    instruction: 'y',
    telegram_chat_id: '7',
    sink: 'none',
  }
  t.match(await s.control.add(every), { name: 'b', added: true, next: /T09:00:00/ })
  await t.rejects(s.control.add(every), { message: /a job b already/ })
  await t.rejects(s.control.add({ ...every, name: 'c', schedule: 'often' }), {
    message: /schedule must have 5/,
  })
  t.match(s.control.list('7'), [{ name: 'b' }])
  await t.rejects(s.control.remove('a'), { message: /not added/ })
  await t.rejects(s.control.remove('b', '8'), { message: /not added in this chat/ })
  const kept = readFileSync(join(s.store, 'cron/state.json'), 'utf8')
  t.match(JSON.parse(kept).added, [{ name: 'b' }])
  await s.control.remove('b', '7')
  t.same(
    s.control.list().map(({ name }) => name),
    ['a'],
  )
})
