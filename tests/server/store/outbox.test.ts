import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import type { EndedReport } from '../../../src/tenants/store/outbox.ts'
import { childProgram } from '../../support/child-program.ts'
import { runRecord as record } from '../../support/run/run-record.ts'
import { openStores } from './fixture.ts'

const render = ({ tenant, token, surface, result }: EndedReport) =>
  JSON.stringify({ tenant, token, surface, runId: result.runId, status: result.status })
const ended = (runId: string) => ({
  ...{ runId, workspace: '/w', status: 'succeeded' as const, sessionId: 's', startedAt: '' },
  ...{ endedAt: '', error: null, claude: null, turns: [], system: null, meter: null, costUsd: 0 },
})

t.test('each run that ends leaves one report, which outlives the process', async t => {
  const dropped: string[] = []
  const reports = { render, dropped: (run: EndedReport) => void dropped.push(run.result.runId) }
  const { stores, reopen } = await openStores(t, { reports })
  let added = 0
  stores.outbox.onAdded(() => {
    added += 1
  })
  const [done, refused, running] = [
    record({ owner: 'ann', surface: 'api' }),
    record(),
    record({ owner: null }),
  ]
  const log = await stores.of('team').create(done)
  await log.finish(ended(done.runId))
  t.equal(added, 1)
  await (await stores.of('team').create(refused)).discard()
  await stores.of('team').create(running)
  const again = await reopen()
  const found = again.outbox.due(Date.parse('2027-01-01'), 10)
  t.match(
    found.map(({ body, ...rest }) => ({ ...rest, body: JSON.parse(body) })),
    [
      {
        ...{
          tenant: 'team',
          token: 'ann',
          runId: done.runId,
          attempts: 0,
          delivery: /^[0-9a-f-]{36}$/,
        },
        body: { tenant: 'team', token: 'ann', surface: 'api', status: 'succeeded' },
      },
      { token: '', runId: running.runId, body: { status: 'interrupted' } },
    ],
  )
  t.equal(found.length, 2, 'a refused run has none')
  const [first, second] = found
  again.outbox.postpone(first?.id ?? 0, 3, Date.parse('2028-01-01'))
  t.match(again.outbox.due(Date.parse('2027-01-01'), 10), [{ id: second?.id }])
  again.outbox.remove(second?.id ?? 0)
  t.equal(again.outbox.nextAt(), Date.parse('2028-01-01'))
  const third = await reopen()
  t.match(third.outbox.due(Date.parse('2029-01-01'), 10), [
    { attempts: 3, delivery: first?.delivery },
  ])
  t.equal(third.outbox.clear(), 1)
  t.equal(third.outbox.nextAt(), null)
  t.same(dropped, [])
})

t.test('a report beyond the bound is dropped by name, and its run ends', async t => {
  const dropped: EndedReport[] = []
  const reports = { render, dropped: (run: EndedReport) => void dropped.push(run), waiting: 1 }
  const { stores } = await openStores(t, { reports })
  for (const run of [record(), record({ owner: 'ann' })]) {
    await (await stores.of('team').create(run)).finish(ended(run.runId))
    t.match(await stores.of('team').summary(run.runId), { state: 'succeeded' })
  }
  t.equal(stores.outbox.count(), 1)
  t.match(dropped, [{ tenant: 'team', token: 'ann' }])
})

t.test('without a webhook nothing is kept', async t => {
  const { stores } = await openStores(t)
  const run = record()
  await (await stores.of('team').create(run)).finish(ended(run.runId))
  t.equal(stores.outbox.count(), 0)
})

t.test('a killed server has a report of each run that it acknowledged as ended', async t => {
  const reports = { render, dropped: () => {} }
  const { stores, options, reopen } = await openStores(t, { reports })
  await stores.close()
  const source = join(import.meta.dirname, '../../../src/tenants/store/run-stores.ts')
  const program = await childProgram(
    t,
    `import { randomBytes } from 'node:crypto'
    import { openRunStores } from ${JSON.stringify(source)}
    const reports = { render: ({ result }) => result.runId, dropped() {} }
    const stores = await openRunStores({ path: ${JSON.stringify(options.path)}, ttl: 3600000, now: () => new Date('2026-11-21T10:00:00.000Z'), report() {}, reports })
    for (;;) {
      const runId = randomBytes(8).toString('hex')
      const log = await stores.of('team').create({ ...${JSON.stringify(record())}, runId })
      process.stdout.write('begun ' + runId + '\\n')
      await log.finish({ ...${JSON.stringify(ended('x'))}, runId })
      process.stdout.write('ended ' + runId + '\\n')
      await new Promise(setImmediate)
    }`,
  )
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const begun = new Set<string>()
  for await (const line of createInterface({ input: child.stdout })) {
    const [, runId] = /^(?:begun|ended) ([0-9a-f]{16})$/.exec(line) ?? []
    if (runId) begun.add(runId)
    if (begun.size === 30) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  const again = await reopen()
  const reported = again.outbox.due(Date.parse('2030-01-01'), 10_000).map(({ runId }) => runId)
  for (const runId of begun) {
    t.equal(reported.filter(one => one === runId).length, 1, `${runId} has one report`)
  }
})
