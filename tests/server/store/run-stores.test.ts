import { execFileSync } from 'node:child_process'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import { openRunStores } from '../../../src/tenants/store/run-stores.ts'
import { runRecord as record } from '../../support/run/run-record.ts'
import { all, finished, notice } from '../../support/run/store-behaviour.ts'
import { resultOf } from '../../support/run/transcript.ts'
import { openStores, reportedToday } from './fixture.ts'

const hour = 3_600_000

t.test('results outlive the server, and no other user can read the files', async t => {
  const { stores, reopen, options } = await openStores(t)
  const { run, result } = await finished(stores.of('a'))
  const folder = dirname(options.path)
  t.equal(statSync(folder).mode & 0o777, 0o700)
  const files = readdirSync(folder)
  t.ok(files.includes('runs.sqlite-wal'))
  for (const file of files) t.equal(statSync(join(folder, file)).mode & 0o777, 0o600, file)
  t.same(await (await reopen()).of('a').read(run.runId), { ...run, result })
})

t.test('a result is kept for its time and then removed, with its events', async t => {
  const { stores, clock, options, close } = await openStores(t)
  const store = stores.of('a')
  const early: string[] = []
  for (let i = 0; i < 50; i++) early.push((await finished(store)).run.runId)
  clock.forward(hour / 2)
  const { run: late } = await finished(store)
  const running = record()
  const log = await store.create(running)
  await log.append(notice('goes on', 1))
  clock.forward(hour / 2 - 1)
  await stores.sweep()
  t.not(await store.read(early[0] ?? ''), null, 'until its last millisecond')
  clock.forward(1)
  await stores.sweep()
  for (const runId of early) t.equal(await store.read(runId), null)
  t.match(await store.summary(late.runId), { state: 'succeeded' })
  clock.forward(30 * hour)
  await stores.sweep()
  t.equal(await store.read(late.runId), null)
  t.match(await store.summary(running.runId), { state: 'running' }, 'a run has no time limit')
  t.match(await all(store.events(running.runId)), [{ text: 'goes on' }])
  await log.discard()
  await close()
  t.same(countsIn(options.path), { runs: 0, events: 0 })
})

t.test(
  'a tenant with too many bytes loses its oldest results, and no other tenant does',
  async t => {
    const { stores, clock } = await openStores(t, { tenantBytes: 3_000_000 })
    const add = async (tenant: string) => {
      clock.forward(1_000)
      const run = record()
      const log = await stores.of(tenant).create(run)
      await log.append(notice('x'.repeat(100_000), 1))
      await log.finish({ ...resultOf('text'), runId: run.runId })
      return run.runId
    }
    const other = await add('b')
    const runs: string[] = []
    for (let i = 0; i < 60; i++) runs.push(await add('a'))
    await stores.sweep()
    const kept = (await stores.of('a').list()).runs.map(({ runId }) => runId)
    t.ok(kept.length >= 10 && kept.length <= 30, `${kept.length} are kept`)
    t.same(kept.toSorted(), runs.slice(-kept.length).toSorted(), 'the newest')
    t.not(await stores.of('b').read(other), null)
  },
)

t.test(
  'a full disk refuses runs and results with a clear error, and old ones are read',
  async t => {
    const full = {
      message: /^cannot keep runs in .*runs\.sqlite: the disk is full$/,
      hint: /space/,
    }
    const { stores, clock, reported, reopen } = await openStores(t)
    const { run, result } = await finished(stores.of('a'))
    // The space of more than one result, so that it suffices for all that wait.
    for (let i = 0; i < 3; i++) await finished(stores.of('a'))
    const first = await reopen({ maxBytes: 400_000 })
    const store = first.of('a')
    const running = record({ owner: 'me' })
    const log = await store.create(running)
    for (let i = 1; i <= 40; i++) await log.append(notice('x'.repeat(20_000), i))
    t.match(reported, [full], 'the log breaks off, and says so once')
    const fill = async () => {
      for (let i = 0; i < 2_000; i++) await finished(store)
    }
    await t.rejects(fill(), full)
    t.same(await store.read(run.runId), { ...run, result }, 'old results are read')
    const ended = { ...resultOf('text'), runId: running.runId }
    await t.rejects(log.finish(ended), full)
    t.same(
      await store.read(running.runId),
      { ...running, result: ended },
      'and this one is not lost',
    )
    t.match(await store.summary(running.runId), { state: 'succeeded' })
    t.ok(reportedToday(first, 'me').usd > 0)
    clock.forward(hour)
    await first.sweep()
    t.equal(await store.read(run.runId), null, 'the removal of old results makes space')
    const more = await reopen()
    t.match(await more.of('a').summary(running.runId), { state: 'succeeded' }, 'nor by a restart')
    t.same((await more.of('a').read(running.runId))?.result, ended)
  },
)

t.test('what a token spends is counted by day, for all its runs and after their time', async t => {
  const { stores, clock, reopen } = await openStores(t)
  t.same(reportedToday(stores, 'me'), { usd: 0, tokens: 0 })
  const cost = resultOf('text').costUsd ?? 0
  t.ok(cost > 0)
  const message = (usd: number, tokens: number) => ({
    ...{ type: 'result', total_cost_usd: usd },
    modelUsage: { m: { inputTokens: tokens, outputTokens: 1, cacheReadInputTokens: 2 } },
  })
  const event = (seq: number, usd: number, tokens: number) =>
    ({ kind: 'claude', seq, at: '', message: message(usd, tokens) }) as const
  const run = record({ owner: 'me' })
  const log = await stores.of('a').create(run)
  await log.append(event(1, 0.5, 100))
  await log.append(event(2, 0.75, 150))
  t.same(reportedToday(stores, 'me'), { usd: 0.75, tokens: 153 }, 'a later result has the earlier')
  t.same(reportedToday(stores, 'other'), { usd: 0, tokens: 0 })
  await log.finish({ ...resultOf('text'), runId: run.runId })
  await finished(stores.of('b'), { owner: 'me' })
  t.same(reportedToday(stores, 'me'), { usd: 2 * cost, tokens: 153 })
  clock.forward(6 * hour)
  await stores.sweep()
  const again = await reopen()
  t.same(reportedToday(again, 'me'), { usd: 2 * cost, tokens: 153 })
  clock.forward(8 * hour)
  t.same(reportedToday(again, 'me'), { usd: 0, tokens: 0 }, 'a new day')
})

t.test('a close marks what still runs as interrupted, and its watcher changes nothing', async t => {
  const { stores, reopen } = await openStores(t)
  const run = record()
  const log = await stores.of('a').create(run)
  await log.append(notice('one', 1))
  const again = await reopen()
  await log.append(notice('two', 2))
  await t.rejects(log.finish({ ...resultOf('text'), runId: run.runId }), { message: /is over/ })
  t.match(await again.of('a').summary(run.runId), {
    state: 'interrupted',
    error: { code: 'interrupted' },
  })
  t.match(await all(again.of('a').events(run.runId)), [{ text: 'one' }])
})

t.test('a database that is in use, damaged, or of a later version is left as it is', async t => {
  const { stores, options, reopen } = await openStores(t)
  await finished(stores.of('a'))
  // A lock of this process would not hold itself off.
  const elsewhere = `import { DatabaseSync } from 'node:sqlite'
    try { new DatabaseSync(process.argv[1]).exec('SELECT * FROM runs') } catch (error) { console.log(error.errcode) }`
  const node = (source: string, ...args: string[]) =>
    execFileSync(process.execPath, ['--input-type=module', '-e', source, ...args], {
      encoding: 'utf8',
    })
  t.equal(node(elsewhere, options.path), '5\n')
  await t.rejects(openRunStores(options), { message: /is in use by another server/ })
  await stores.close()
  const later = new DatabaseSync(options.path)
  later.exec('PRAGMA user_version = 99')
  later.close()
  await t.rejects(openRunStores(options), {
    message: /runs\.sqlite was written by a later version \(form 99\)/,
    hint: /run that version again/,
  })
  const bytes = 'this is not a database, and long enough to be looked at'.repeat(100)
  writeFileSync(options.path, bytes)
  await t.rejects(openRunStores(options), { message: /: it is not a database$/ })
  t.equal(statSync(options.path).size, bytes.length)
  const missing = { ...options, path: `${options.path}/folder/runs.sqlite` }
  await t.rejects(openRunStores(missing), {
    message: /^cannot keep runs in .*folder\/runs\.sqlite: ENOTDIR/,
  })
  writeFileSync(options.path, '')
  await reopen()
})

function countsIn(path: string) {
  const database = new DatabaseSync(path)
  const count = (table: string) =>
    Number(database.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count)
  const counts = { runs: count('runs'), events: count('events') }
  database.close()
  return counts
}
