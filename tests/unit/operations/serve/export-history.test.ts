import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { RunMeta } from '../../../../src/config/schedule-history.ts'
import { exportHistory } from '../../../../src/operations/serve/export-history.ts'

const metaOf = (name: string, status: string): RunMeta => ({
  ...{ name, schedule: '0 9 * * *', model: null, effort: null, instruction: 'x' },
  ...{ system_prompt: null, append_system_prompt: null, workspace: '/workspaces/app' },
  ...{ workspace_slug: 'workspaces_app', started_at: '2026-11-30T09:00:00Z', finished_at: null },
  ...{ exit_code: null, error: null, telegram_chat_id: null, status, catch_up: false },
  ...{ due_at: null, timezone: 'UTC', run_id: null, session_id: null, cost_usd: null },
  ...{ tenant: 'main', token: null, result: 'done' },
})

/** The state folder of a server, and an empty place for the export. */
function place(t: Test) {
  const root = realpathSync(t.testdir({ state: {} }))
  const state = join(root, 'state')
  const history = join(state, 'server-data/cron/history')
  mkdirSync(history, { recursive: true })
  const add = (run: string, { workspace = 'workspaces_app', status = 'succeeded' } = {}) => {
    const folder = join(history, workspace, run)
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, 'meta.json'), JSON.stringify(metaOf('a', status)), { mode: 0o644 })
    writeFileSync(join(folder, 'activity.jsonl'), `{"run":"${run}"}\n`)
    writeFileSync(join(folder, 'stderr.log'), '')
    return folder
  }
  return { root, state, history, add, target: join(root, 'out/claudebox') }
}

t.test('the runs are copied as a whole, for the user alone, and once', async t => {
  const { state, target, add } = place(t)
  const first = add('20261130-090000-a')
  add('20261130-100000-b', { workspace: 'workspaces' })
  add('20261130-110000-a', { status: 'running' })
  const counts = { folder: target, exported: 2, present: 0, running: 1 }
  t.match(await exportHistory({ state, target }), counts)
  t.same(readdirSync(target).sort(), ['workspaces', 'workspaces_app'])
  const place1 = join(target, 'workspaces_app')
  t.same(readdirSync(place1), ['20261130-090000-a'], 'no run in progress, and nothing unfinished')
  const run = join(place1, '20261130-090000-a')
  for (const path of [target, place1, run]) t.equal(statSync(path).mode & 0o777, 0o700, path)
  for (const name of ['activity.jsonl', 'stderr.log', 'meta.json']) {
    t.equal(statSync(join(run, name)).mode & 0o777, 0o600, name)
    t.equal(readFileSync(join(run, name), 'utf8'), readFileSync(join(first, name), 'utf8'))
  }

  writeFileSync(join(run, 'stderr.log'), 'mine')
  writeFileSync(join(first, 'telegram.json'), '{"chat_id":1}')
  t.match(await exportHistory({ state, target }), { ...counts, exported: 0, present: 2 })
  t.equal(readFileSync(join(run, 'stderr.log'), 'utf8'), 'mine', 'what is there stays')
  t.equal(readFileSync(join(run, 'telegram.json'), 'utf8'), '{"chat_id":1}', 'sent after the run')
})

t.test('a job, and a number of runs, are chosen, the newest first', async t => {
  const { state, target, add } = place(t)
  for (const hour of ['08', '09', '10']) add(`20261130-${hour}0000-a`)
  add('20261130-110000-b')
  t.match(await exportHistory({ state, target, job: 'a', limit: 2 }), { exported: 2 })
  t.same(readdirSync(join(target, 'workspaces_app')).sort(), [
    ...['20261130-090000-a', '20261130-100000-a'],
  ])
  await t.rejects(exportHistory({ state, target, job: '../a' }), {
    ...{ message: 'job ../a has no history of schedules', hint: /schedule list/ },
  })
  await t.rejects(exportHistory({ state: `${state}-none`, target }), {
    message: 'the server has no history of schedules',
  })
})

t.test('no symlink and no other name of the server is followed', async t => {
  const { root, state, history, target, add } = place(t)
  mkdirSync(join(root, 'secret'))
  writeFileSync(join(root, 'secret/meta.json'), JSON.stringify(metaOf('a', 'succeeded')))
  writeFileSync(join(root, 'secret/activity.jsonl'), 'secret')
  const run = add('20261130-090000-a')
  symlinkSync(join(root, 'secret/activity.jsonl'), join(run, 'telegram.json'))
  symlinkSync(join(root, 'secret'), join(history, 'workspaces_app/20261130-100000-a'))
  mkdirSync(join(history, 'linked'))
  symlinkSync(join(root, 'secret'), join(history, 'linked/20261130-110000-a'))
  symlinkSync(join(history, 'workspaces_app'), join(history, 'other'))
  mkdirSync(join(history, 'workspaces_app/.hidden'))
  t.match(await exportHistory({ state, target }), { exported: 1 })
  const copied = join(target, 'workspaces_app/20261130-090000-a')
  t.same(readdirSync(copied).sort(), ['activity.jsonl', 'meta.json', 'stderr.log'])
  t.same(readdirSync(join(target, 'workspaces_app')), ['20261130-090000-a'])
})

t.test('no symlink of the target is followed', async t => {
  const { root, state, target, add } = place(t)
  const source = add('20261130-090000-a')
  const outside = join(root, 'outside')
  mkdirSync(outside)
  mkdirSync(target, { recursive: true })
  symlinkSync(outside, join(target, 'workspaces_app'))
  await t.rejects(exportHistory({ state, target }), {
    message: `${target}/workspaces_app is not a folder`,
  })
  t.same(readdirSync(outside), [])

  const other = join(root, 'other')
  mkdirSync(join(other, 'workspaces_app'), { recursive: true })
  symlinkSync(outside, join(other, 'workspaces_app/20261130-090000-a'))
  writeFileSync(join(source, 'telegram.json'), '{}')
  t.match(await exportHistory({ state, target: other }), { exported: 0, present: 1 })
  t.same(readdirSync(outside), [])
  t.ok(lstatSync(join(other, 'workspaces_app/20261130-090000-a')).isSymbolicLink())
})

t.test('a target that cannot be written is named', async t => {
  const { root, state, add } = place(t)
  add('20261130-090000-a')
  writeFileSync(join(root, 'file'), '')
  await t.rejects(exportHistory({ state, target: join(root, 'file/x') }), {
    ...{ message: `cannot write ${root}/file/x (ENOTDIR)`, hint: /free space/ },
  })
})
