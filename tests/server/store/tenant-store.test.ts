import t from 'tap'
import { runRecord as record } from '../../support/run/run-record.ts'
import { finished, testRunStore } from '../../support/run/store-behaviour.ts'
import { resultOf } from '../../support/run/transcript.ts'
import { openStores } from './fixture.ts'

testRunStore(t, async t => {
  const { stores } = await openStores(t)
  return { store: stores.of('a'), elsewhere: stores.of('a') }
})

t.test('the runs of another tenant do not exist', async t => {
  const { stores } = await openStores(t)
  const [a, b] = [stores.of('a'), stores.of('b')]
  const { run } = await finished(a)
  t.equal(await b.read(run.runId), null)
  t.equal(await b.summary(run.runId), null)
  t.same(await b.list(), { runs: [], next: null })
  t.same(await b.list({ after: run.runId }), { runs: [], next: null })
  const running = record()
  const log = await a.create(running)
  let cancelled = false
  log.onCancel(() => {
    cancelled = true
  })
  await b.requestCancel(running.runId)
  await b.sendAnswer(running.runId, 'q', null)
  t.notOk(cancelled)
  const same = await b.create(record({ runId: running.runId, prompt: 'of b' }))
  t.match(await a.read(running.runId), { prompt: 'hello' })
  t.match(await b.read(running.runId), { prompt: 'of b' })
  await same.discard()
  t.match(await a.read(running.runId), { prompt: 'hello' }, 'a discard takes only its own')
  await log.discard()
})

t.test('an id is used once, until its result has expired', async t => {
  const { stores, clock } = await openStores(t)
  const store = stores.of('a')
  const { run } = await finished(store)
  await t.rejects(store.create(record({ runId: run.runId })), { message: /stored already/ })
  clock.forward(3_600_001)
  t.equal(await store.read(run.runId), null, 'it does not wait for a sweep')
  t.same((await store.list()).runs, [])
  const log = await store.create(record({ runId: run.runId, prompt: 'new' }))
  t.match(await store.read(run.runId), { prompt: 'new', result: null })
  await log.finish({ ...resultOf('text'), runId: run.runId })
})
