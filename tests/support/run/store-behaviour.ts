import type { Test } from 'tap'
import type { RunEvent } from '../../../src/run/result.ts'
import type { RunStore } from '../../../src/run/store/store.ts'
import { until } from '../stack/process.ts'
import { runRecord as record } from './run-record.ts'
import { resultOf, transcript } from './transcript.ts'

const at = '2026-11-21T10:00:01.000Z'
export const notice = (text: string, seq = 1): RunEvent => ({ kind: 'notice', text, seq, at })

export async function all(events: AsyncIterable<RunEvent>) {
  const found: RunEvent[] = []
  for await (const event of events) found.push(event)
  return found
}

export async function finished(store: RunStore, changes: Parameters<typeof record>[0] = {}) {
  const run = record(changes)
  const log = await store.create(run)
  const result = { ...resultOf('text'), runId: run.runId }
  await log.finish(result)
  return { run, result }
}

/** Two views of the same runs: that of the process that watches them, and that of another reader. */
export type TwoViews = { store: RunStore; elsewhere: RunStore }

/** What every store does, whatever it keeps the runs in. */
export function testRunStore(t: Test, open: (t: Test) => Promise<TwoViews> | TwoViews) {
  t.test('a run is running until it has its result, which is read any number of times', async t => {
    const { store, elsewhere } = await open(t)
    const run = record()
    const log = await store.create(run)
    t.same(await store.read(run.runId), { ...run, result: null })
    t.match(await elsewhere.summary(run.runId), { ...run, state: 'running', endedAt: null })
    const events: RunEvent[] = transcript('text').map((message, index) => ({
      ...{ kind: 'claude', message, seq: index + 1, at },
    }))
    for (const event of events) await log.append(event)
    await log.flush()
    const complete = events.filter(
      event => event.kind !== 'claude' || event.message.type !== 'stream_event',
    )
    t.same(await all(elsewhere.events(run.runId)), complete, 'before its end')
    const result = { ...resultOf('text'), runId: run.runId }
    await log.finish(result)
    for (let i = 0; i < 2; i++) t.same(await elsewhere.read(run.runId), { ...run, result })
    t.match(await elsewhere.summary(run.runId), {
      ...run,
      ...{ state: 'succeeded', endedAt: result.endedAt, sessionId: 'a-session' },
      ...{ costUsd: result.costUsd, error: null, question: null },
    })
    const kept = await all(elsewhere.events(run.runId))
    t.ok(kept.length > 2)
    t.same(kept, complete, 'without the pieces of messages')
  })

  t.test('events are followed until the run has its result', async t => {
    const { store, elsewhere } = await open(t)
    const run = record()
    const log = await store.create(run)
    const { signal } = new AbortController()
    const found: string[] = []
    const followed = (async () => {
      for await (const event of elsewhere.events(run.runId, { follow: signal })) {
        if (event.kind === 'notice') found.push(event.text)
      }
    })()
    await log.append(notice('first', 1))
    await until('the first to be told', async () => found.length === 1)
    await log.append(notice('second', 2))
    await until('the second to be told', async () => found.length === 2)
    await log.append(notice('last', 3))
    await log.finish({ ...resultOf('text'), runId: run.runId })
    await followed
    t.same(found, ['first', 'second', 'last'])
    t.same(await all(elsewhere.events('0123456789abcdef', { follow: signal })), [])
  })

  t.test('a reader that stops following leaves at once', async t => {
    const { store, elsewhere } = await open(t)
    const run = record()
    const log = await store.create(run)
    await log.append(notice('first', 1))
    const controller = new AbortController()
    const found: RunEvent[] = []
    for await (const event of elsewhere.events(run.runId, { follow: controller.signal })) {
      found.push(event)
      setTimeout(() => controller.abort(), 20)
    }
    t.same(found, [notice('first', 1)])
    await log.discard()
  })

  t.test('an unknown run is null, and an invalid id is refused', async t => {
    const { store } = await open(t)
    t.equal(await store.read('0123456789abcdef'), null)
    t.equal(await store.summary('0123456789abcdef'), null)
    t.same(await store.list(), { runs: [], next: null })
    t.same(await all(store.events('0123456789abcdef')), [])
    await t.rejects(store.read('../../../etc'))
    await t.rejects(store.requestCancel('../x'))
    await t.rejects(store.create(record({ runId: '../x' })))
  })

  t.test('a run that was refused leaves nothing', async t => {
    const { store } = await open(t)
    const run = record()
    const log = await store.create(run)
    await log.append(notice('one', 1))
    await log.discard()
    t.equal(await store.read(run.runId), null)
    t.same(await all(store.events(run.runId)), [])
    t.same((await store.list()).runs, [])
  })

  t.test('the list is newest first, in summaries, a page at a time', async t => {
    const { store } = await open(t)
    for (const day of ['01', '03', '02']) {
      await finished(store, { startedAt: `2099-11-${day}T00:00:00.000Z`, owner: 'me' })
    }
    const first = await store.list({ limit: 2 })
    const days = ({ runs }: typeof first) => runs.map(({ startedAt }) => startedAt.slice(8, 10))
    t.same(days(first), ['03', '02'])
    t.match(first.runs, [{ state: 'succeeded', owner: 'me', endedAt: String, error: null }, {}])
    t.notOk('turns' in (first.runs[0] ?? {}))
    const second = await store.list({ limit: 2, after: first.next ?? '' })
    t.same(days(second), ['01'])
    t.equal(second.next, null)
  })

  t.test('a failure is stored with its code and its data', async t => {
    const { store, elsewhere } = await open(t)
    const run = record()
    const result = { ...resultOf('error-529'), runId: run.runId }
    await (await store.create(run)).finish(result)
    t.match(result.error, { code: 'api-status', status: 529 })
    t.same((await elsewhere.read(run.runId))?.result, result)
    t.match(await elsewhere.summary(run.runId), { state: 'failed', error: result.error })
  })

  t.test('a cancel from elsewhere reaches the watcher once', async t => {
    const { store, elsewhere } = await open(t)
    const run = record()
    const log = await store.create(run)
    let asked = 0
    log.onCancel(() => {
      asked++
    })
    await elsewhere.requestCancel(run.runId)
    await until('the cancel', async () => asked === 1)
    await elsewhere.requestCancel(run.runId)
    await log.discard()
    t.equal(asked, 1)
  })

  t.test('a run with an open question waits, and an answer from elsewhere reaches it', async t => {
    const { store, elsewhere } = await open(t)
    const run = record()
    const log = await store.create(run)
    t.match(await elsewhere.summary(run.runId), { state: 'running', question: null })
    const questions = [{ question: 'Which?', multiSelect: false, options: [] }]
    await log.setQuestion({ id: 'q1', questions, deadline: at })
    t.match(await elsewhere.summary(run.runId), { state: 'waiting', question: { id: 'q1' } })
    let given: unknown = null
    log.onAnswer((...answer) => {
      given = answer
    })
    await elsewhere.sendAnswer(run.runId, 'q1', { 'Which?': 'this' })
    await until('the answer', async () => given)
    t.same(given, ['q1', { 'Which?': 'this' }])
    await log.setQuestion(null)
    t.match(await elsewhere.summary(run.runId), { state: 'running', question: null })
    await log.setQuestion({ id: 'q2', questions, deadline: at })
    await log.finish({ ...resultOf('text'), runId: run.runId })
    t.match(await elsewhere.summary(run.runId), { state: 'succeeded', question: null })
  })

  t.test('the log of a run is bounded', async t => {
    const { store } = await open(t)
    const run = record()
    const log = await store.create(run)
    for (let i = 1; i <= 12; i++) await log.append(notice('x'.repeat(1_000_000), i))
    await log.finish({ ...resultOf('text'), runId: run.runId })
    const events = await all(store.events(run.runId))
    t.ok(JSON.stringify(events).length < 9_000_000)
    t.match(events.at(-1), { kind: 'notice', text: /log of this run is full/ })
  })
}
