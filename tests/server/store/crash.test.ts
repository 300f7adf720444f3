import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { childProgram } from '../../support/child-program.ts'
import { runRecord as record } from '../../support/run/run-record.ts'
import { all } from '../../support/run/store-behaviour.ts'
import { openStores, reportedToday } from './fixture.ts'

const source = join(import.meta.dirname, '../../../src/tenants/store/run-stores.ts')

t.test('a killed server loses nothing that it acknowledged', async t => {
  const { stores, options, reopen } = await openStores(t)
  await stores.close()
  const runs = Array.from({ length: 20 }, (_, index) =>
    record({ owner: `owner-${index}`, idempotencyKey: `key-${index}` }),
  )
  // Reports on stdout what the store has taken: each line is an acknowledgement. Even runs ask and odd ones do not, and
  // each fourth ends and begins again as another run until the process is killed.
  const program = await childProgram(
    t,
    `import { randomBytes } from 'node:crypto'
    import { openRunStores } from ${JSON.stringify(source)}
    const runs = ${JSON.stringify(runs)}
    const stores = await openRunStores({ path: ${JSON.stringify(options.path)}, ttl: 3600000, now: () => new Date('2026-11-21T10:00:00.000Z'), report() {} })
    const say = line => process.stdout.write(JSON.stringify(line) + '\\n')
    const question = { id: 'q', questions: [{ question: 'Which?', multiSelect: false, options: [] }], deadline: '' }
    const play = async (run, index) => {
      const store = stores.of('tenant-' + (index % 2))
      const log = await store.create(run)
      say({ created: run.runId, index })
      await log.append({ kind: 'started', seq: 1, at: '', runId: run.runId, workspace: '/w', sessionId: 'session-' + index, warm: false, startedAt: '' })
      if (index % 2 === 0) await log.setQuestion(question)
      for (let seq = 2; seq < 100000; seq++) {
        await log.append({ kind: 'notice', seq, at: '', text: 'x'.repeat(200) })
        say({ event: run.runId, seq })
        await new Promise(resolve => setTimeout(resolve, 1))
        if (index % 4 === 3 && seq % 5 === 0) {
          const result = { runId: run.runId, workspace: '/w', status: 'succeeded', sessionId: 's', startedAt: '', endedAt: new Date().toISOString(), error: null, claude: { result: 'r' + seq }, turns: [], system: null, meter: null, costUsd: 0.25 }
          await log.finish(result)
          say({ ended: run.runId, seq, index })
          const runId = randomBytes(8).toString('hex')
          return play({ ...run, runId }, index)
        }
      }
    }
    await Promise.all(runs.map(play))`,
  )
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const created = new Map<string, number>()
  const events = new Map<string, number>()
  const ended = new Map<string, { seq: number; index: number }>()
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line)
    if (said.created) created.set(said.created, said.index)
    if (said.event) events.set(said.event, said.seq)
    if (said.ended) ended.set(said.ended, said)
    if (ended.size >= 12 && created.size >= 30) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  t.equal(child.signalCode, 'SIGKILL')

  const again = await reopen()
  let interrupted = 0
  for (const [runId, index] of created) {
    const store = again.of(`tenant-${index % 2}`)
    const summary = await store.summary(runId)
    const stored = await store.read(runId)
    const end = ended.get(runId)
    if (end) {
      t.match(stored?.result, { status: 'succeeded', claude: { result: `r${end.seq}` } }, runId)
    } else if (stored?.result?.status !== 'succeeded') {
      interrupted++
      t.match(summary, {
        ...{ state: 'interrupted', question: null, error: { code: 'interrupted' } },
        ...{ owner: `owner-${index}`, endedAt: String },
        // Of the run's first event, which a run that was only created may not have.
        ...(events.has(runId) && { sessionId: `session-${index}` }),
      })
      t.match(stored?.result, { status: 'interrupted', runId })
    }
    const seqs = (await all(store.events(runId))).map(({ seq }) => seq)
    const last = events.get(runId) ?? 0
    t.ok(seqs.length >= last, `${runId}: ${seqs.length} events, ${last} acknowledged`)
    t.same(
      seqs,
      seqs.map((_, at) => at + 1),
      'without a gap',
    )
  }
  // Each of the 20 has one run in progress at any time, but for the moment between two.
  t.ok(interrupted >= 15 && interrupted <= 20, `${interrupted} are interrupted`)
  for (const index of [3, 7, 11, 15, 19]) {
    const own = [...ended.values()].filter(end => end.index === index).length
    t.ok(reportedToday(again, `owner-${index}`).usd >= own * 0.25)
  }
  const third = await reopen()
  const runIds = [...created.keys()].filter(runId => !ended.has(runId))
  t.match(
    await third.of(`tenant-${(created.get(runIds[0] ?? '') ?? 0) % 2}`).read(runIds[0] ?? ''),
    { result: { status: /interrupted|succeeded/ } },
    'and stay so',
  )
})
