import { join } from 'node:path'
import t from 'tap'
import { createDeferred } from '../../../src/base/async.ts'
import { createHub, type Hub } from '../../../src/run/hub.ts'
import { createRuns, type LiveRun } from '../../../src/run/runs.ts'
import { createFileStore } from '../../../src/run/store/file-store.ts'
import type { RunLog } from '../../../src/run/store/store.ts'
import { runRecord } from '../../support/run/run-record.ts'
import { resultOf } from '../../support/run/transcript.ts'

const record = runRecord()
const { runId } = record
const at = '2026-11-21T10:00:01.000Z'
const questions = [
  { question: 'Which colour?', multiSelect: false, options: [{ label: 'red' }, { label: 'blue' }] },
]

function liveRun(hub: Hub, log: RunLog): LiveRun {
  const stored = createDeferred<void>()
  return { hub, log, stored, isAcknowledged: false, isRefused: false, cancel: () => {} }
}

async function kinds(events: AsyncIterable<{ kind: string }>) {
  const found: string[] = []
  for await (const { kind } of events) found.push(kind)
  return found
}

t.test(
  'a run that another process watches is found, cancelled and followed to its end',
  async t => {
    const folder = join(t.testdir(), 'runs')
    const log = await createFileStore(folder).create(record)
    let cancelled = 0
    log.onCancel(() => {
      cancelled++
      void log.finish({ ...resultOf('text'), runId, status: 'cancelled' })
    })
    await log.append({ kind: 'notice', text: 'first', seq: 1, at })
    await log.flush()

    const runs = createRuns(createFileStore(folder))
    const { signal } = new AbortController()
    t.match(await runs.find(runId), { state: 'running', endedAt: null })
    t.match(await runs.list(), { runs: [{ runId }], next: null })
    t.equal(await runs.result(runId), null, 'it has not ended')
    t.equal(await runs.ended(runId, { timeout: 0, signal }), false)
    t.same(await kinds(runs.log(runId)), ['notice'])

    const followed = kinds(runs.log(runId, { follow: signal }))
    const read = kinds(runs.events(runId, { signal }))
    await runs.cancel(runId)
    t.equal(await runs.ended(runId, { signal }), true)
    t.equal(cancelled, 1)
    t.same(await followed, ['notice'])
    t.same(await read, ['notice', 'ended'])
    t.match(await runs.result(runId), { runId, status: 'cancelled' })
    t.match(await runs.find(runId), { state: 'cancelled' })
  },
)

t.test('a question that another process waits for is answered through the store', async t => {
  const folder = join(t.testdir(), 'runs')
  const log = await createFileStore(folder).create(record)
  t.teardown(() => log.discard())
  const answered = new Promise<unknown>(resolve => {
    log.onAnswer((id, answers) => resolve({ id, answers }))
  })
  const runs = createRuns(createFileStore(folder))
  await t.rejects(runs.answer(runId, null), { code: 'not-waiting' })
  await log.setQuestion({ id: 'q1', questions, deadline: '2026-11-21T10:01:00.000Z' })
  t.match(await runs.find(runId), { state: 'waiting', question: { id: 'q1' } })
  await t.rejects(runs.answer(runId, { other: 'x' }), { code: 'answers' })
  await runs.answer(runId, { 'Which colour?': 'blue' })
  t.same(await answered, { id: 'q1', answers: { 'Which colour?': 'blue' } })
})

t.test('an unknown run has nothing; to answer or cancel it is refused', async t => {
  const runs = createRuns(createFileStore(join(t.testdir(), 'runs')))
  const { signal } = new AbortController()
  for (const id of [runId, '../../etc']) {
    t.equal(await runs.find(id), null)
    t.equal(await runs.result(id), null)
    t.equal(await runs.ended(id, { signal }), true, 'a removed run has ended')
    await t.rejects(runs.cancel(id), { code: 'unknown-run' })
    await t.rejects(runs.answer(id, null), { code: 'unknown-run' })
  }
})

t.test('a reader that leaves while stored events are replayed leaves nothing behind', async t => {
  const store = createFileStore(join(t.testdir(), 'runs'))
  const log = await store.create(record)
  t.teardown(() => log.discard())
  const hub = createHub({ now: () => new Date(at) })
  for (const text of ['first', 'second']) await log.append(hub.stamp({ kind: 'notice', text }))
  const runs = createRuns(store, new Map([[runId, liveRun(hub, log)]]))
  const { signal } = new AbortController()
  for await (const { seq } of runs.events(runId, { after: 0, signal })) {
    t.equal(seq, 1)
    t.equal(hub.readerCount(), 1, 'later events are held for it')
    break
  }
  t.equal(hub.readerCount(), 0)
})
