import t from 'tap'
import { createRunEngine } from '../../../src/run/engine.ts'
import { workspaceBusy } from '../../../src/run/failure.ts'
import type { WorkspaceLease } from '../../../src/run/lease.ts'
import type { RunEvent } from '../../../src/run/result.ts'
import type { RunnerEvent } from '../../../src/run/runner-protocol.ts'
import type { RunEngineParts } from '../../../src/run/watch.ts'
import {
  ended,
  eventsOf,
  fakeTransport,
  memoryStore,
  started,
} from '../../support/run/fake-transport.ts'

/** One run at a time. */
function memoryLease(): WorkspaceLease & { held: () => boolean } {
  let holder: string | null = null
  return {
    held: () => holder !== null,
    async acquire(_workspace, runId, { wait, signal }) {
      while (holder !== null) {
        if (!wait) throw workspaceBusy(holder)
        signal.throwIfAborted()
        await new Promise(resolve => setTimeout(resolve, 2))
      }
      holder = runId
      return () => {
        holder = null
      }
    },
  }
}

function engineWith(
  fake: ReturnType<typeof fakeTransport>,
  patience: RunEngineParts['patience'] = {},
  parting?: RunEngineParts['parting'],
) {
  const { store, runs } = memoryStore()
  const lease = memoryLease()
  const engine = createRunEngine({
    workers: () => fake.transport,
    store,
    lease,
    now: () => new Date('2026-11-21T10:00:00Z'),
    patience,
    ...(parting && { parting }),
  })
  return { engine, runs, lease }
}

const here = { workspace: '/workspace' }

async function all(events: AsyncIterable<RunEvent>) {
  const found: RunEvent[] = []
  for await (const event of events) found.push(event)
  return found
}

t.test(
  'parting notices are events of the run, and their failure does not fail the run',
  async t => {
    const asked: string[] = []
    const { engine, runs, lease } = engineWith(fakeTransport(eventsOf('text')), {}, async since => {
      asked.push(since.toISOString())
      t.notOk(lease.held(), 'the workspace is free by then')
      return ['blocked: a.test']
    })
    const run = engine.start({ prompt: 'x' }, here)
    const events = await all(run.events)
    t.match(events.slice(-2), [{ kind: 'notice', text: 'blocked: a.test' }, { kind: 'ended' }])
    t.same(asked, ['2026-11-21T10:00:00.000Z'])
    t.same(runs.get(run.id)?.log.slice(-2), ['notice', 'succeeded'])

    const failing = engineWith(fakeTransport(eventsOf('text')), {}, async () => {
      throw new Error('no engine')
    })
    t.match(await failing.engine.start({ prompt: 'x' }, here).result, { status: 'succeeded' })
  },
)

t.test('a run is requested once, delivers its events, and is stored', async t => {
  const fake = fakeTransport(eventsOf('text'))
  const { engine, runs, lease } = engineWith(fake)
  const run = engine.start({ prompt: 'hello', model: 'opus' }, here)
  t.match(run.id, /^[0-9a-f]{16}$/)
  const events = await all(run.events)
  const result = await run.result
  t.equal(result.status, 'succeeded')
  t.equal(events[0]?.kind, 'started')
  t.match(events.at(-1), { kind: 'ended', result, seq: 12 })
  t.equal(events.length, 12)
  t.match(fake.requests, [
    {
      version: 1,
      runId: run.id,
      workspace: '/workspace',
      request: { prompt: 'hello', model: 'opus', session: { kind: 'continue' } },
    },
  ])
  t.equal(runs.get(run.id)?.log.at(-1), 'succeeded')
  t.equal(lease.held(), false)
  t.equal(fake.seen.closed, 1, 'the connection is not left open')
})

t.test('a run whose events are not read still ends', async t => {
  const many = Array.from({ length: 2_000 }, () => ({ kind: 'notice', text: 'x' }) as const)
  const { engine } = engineWith(fakeTransport([started, ...many, ...eventsOf('text').slice(1)]))
  t.equal((await engine.start({ prompt: 'x' }, here).result).status, 'succeeded')
})

t.test('a slow reader slows the runner down', async t => {
  const many = Array.from({ length: 5_000 }, () => ({ kind: 'notice', text: 'x' }) as const)
  const fake = fakeTransport([started, ...many, ...eventsOf('text').slice(1)])
  const run = engineWith(fake).engine.start({ prompt: 'x' }, here)
  const reader = run.events[Symbol.asyncIterator]()
  await reader.next()
  await new Promise(resolve => setTimeout(resolve, 50))
  t.ok(fake.seen.delivered < 400, `${fake.seen.delivered} events were taken from it`)
  for (;;) if ((await reader.next()).done) break
  t.equal((await run.result).status, 'succeeded')
})

t.test('an invalid request is refused and never reaches the runner', async t => {
  const fake = fakeTransport(eventsOf('text'))
  const { engine } = engineWith(fake)
  for (const [request, message] of [
    [{ prompt: '' }, /prompt/],
    [{ prompt: 'x', model: '--settings={}' }, /model/],
    [{ prompt: 'x', session: { kind: 'resume', id: '../../x' } }, /session/],
    [{ prompt: 'x', nonsense: 1 }, /nonsense/],
    [{ prompt: 'x', timeoutSeconds: 0 }, /timeoutSeconds/],
  ] as const) {
    t.throws(() => engine.start(request, here), { message, code: 'request' })
  }
  const schema = { prompt: 'x', jsonSchema: { type: 'nonsense' } }
  await t.rejects(engine.start(schema, here).result, { message: /schema/, code: 'schema' })
  t.same(fake.requests, [])
})

t.test('a second run in the workspace is refused with the id of the first', async t => {
  const fake = fakeTransport({ events: [started], onCancel: ended('cancelled') })
  const { engine, runs } = engineWith(fake)
  const first = engine.start({ prompt: 'x' }, here)
  await first.events[Symbol.asyncIterator]().next()
  const second = engine.start({ prompt: 'y' }, here)
  await t.rejects(second.result, {
    message: `workspace busy with run ${first.id}`,
    code: 'busy',
    holder: first.id,
  })
  t.same(await all(second.events), [], 'its events just end')
  t.equal(runs.has(second.id), false, 'nothing is kept of it')
  first.cancel()
  await first.result
})

t.test('with wait, a second run waits for the first', async t => {
  const fake = fakeTransport({ events: [started], onCancel: ended('cancelled') }, eventsOf('text'))
  const { engine } = engineWith(fake)
  const first = engine.start({ prompt: 'x' }, here)
  await first.events[Symbol.asyncIterator]().next()
  const second = engine.start({ prompt: 'y' }, { ...here, wait: true })
  const third = engine.start({ prompt: 'z' }, { ...here, wait: true })
  third.cancel()
  t.equal((await third.result).status, 'cancelled', 'waiting can be cancelled')
  first.cancel()
  t.equal((await first.result).status, 'cancelled')
  t.equal((await second.result).status, 'succeeded')
})

t.test('each way to cancel waits until the runner confirms it', async t => {
  for (const way of ['cancel', 'signal', 'store'] as const) {
    const fake = fakeTransport({ events: [started], onCancel: ended('cancelled') })
    const { engine, runs, lease } = engineWith(fake)
    const controller = new AbortController()
    const run = engine.start({ prompt: 'x' }, { ...here, signal: controller.signal })
    await run.events[Symbol.asyncIterator]().next()
    if (way === 'cancel') run.cancel()
    else if (way === 'signal') controller.abort()
    else runs.get(run.id)?.cancel()
    t.match(await run.result, { status: 'cancelled', error: { code: 'cancelled' } }, way)
    t.equal(fake.seen.cancelled, 1)
    t.equal(lease.held(), false)
  }
})

t.test('a run that was cancelled before it began never reaches the runner', async t => {
  const fake = fakeTransport(eventsOf('text'))
  const run = engineWith(fake).engine.start(
    { prompt: 'x' },
    { ...here, signal: AbortSignal.abort() },
  )
  t.equal((await run.result).status, 'cancelled')
  t.same(fake.requests, [])
})

t.test('a runner that does not confirm a cancel is given up', async t => {
  const fake = fakeTransport({ events: [started], onCancel: null })
  const { engine, lease } = engineWith(fake, { cancel: 20 })
  const run = engine.start({ prompt: 'x' }, here)
  await run.events[Symbol.asyncIterator]().next()
  run.cancel()
  t.match(await run.result, { status: 'failed', error: { code: 'cancel-unconfirmed' } })
  t.equal(lease.held(), false)
})

t.test('a connection that breaks during a cancel confirms nothing', async t => {
  const fake = fakeTransport({ events: [started], onCancel: 'lost' })
  const { engine, lease, runs } = engineWith(fake)
  const run = engine.start({ prompt: 'x' }, here)
  await run.events[Symbol.asyncIterator]().next()
  runs.get(run.id)?.cancel()
  t.match(await run.result, { status: 'failed', error: { code: 'cancel-unconfirmed' } })
  t.equal(lease.held(), false)
})

t.test('neither a dead runner nor a stalled reader blocks a run', async t => {
  const dead = fakeTransport({ events: [started], onCancel: null })
  const late = engineWith(dead, { beyondTimeout: -980 })
  const run = late.engine.start({ prompt: 'x', timeoutSeconds: 1 }, here)
  t.match(await run.result, { status: 'timed-out' })

  const many = Array.from({ length: 2_000 }, () => ({ kind: 'notice', text: 'x' }) as const)
  const loud = fakeTransport({ events: [started, ...many], onCancel: null })
  const stuck = engineWith(loud, { beyondTimeout: -950 })
  const unread = stuck.engine.start({ prompt: 'x', timeoutSeconds: 1 }, here)
  await unread.events[Symbol.asyncIterator]().next()
  t.match(await unread.result, { status: 'timed-out' })
})

t.test('a lost connection fails the run with its own code', async t => {
  const { engine, lease } = engineWith(fakeTransport([started]))
  t.match(await engine.start({ prompt: 'x' }, here).result, {
    status: 'failed',
    error: { code: 'connection-lost', words: /ended before/ },
  })
  t.equal(lease.held(), false)
})

t.test('a run that the runner cancels by itself means that the worker was stopped', async t => {
  const { engine } = engineWith(fakeTransport([started, ended('cancelled')]))
  t.match(await engine.start({ prompt: 'x' }, here).result, {
    status: 'failed',
    error: { code: 'worker-stopped' },
  })
})

t.test('an unreachable runner rejects the run and frees the workspace', async t => {
  const { store, runs } = memoryStore()
  const lease = memoryLease()
  const engine = createRunEngine({
    workers: () => ({ open: () => Promise.reject(new Error('no engine')) }),
    store,
    lease,
    now: () => new Date(),
  })
  await t.rejects(engine.start({ prompt: 'x' }, here).result, { message: 'no engine' })
  t.equal(lease.held(), false)
  t.equal(runs.size, 0)
})

const refused = (reason: 'busy' | 'no-session'): RunnerEvent[] => [
  { kind: 'refused', reason, message: `refused: ${reason}` },
]

t.test('a refusal of the runner rejects the run', async t => {
  const { engine } = engineWith(fakeTransport(refused('no-session')))
  await t.rejects(engine.start({ prompt: 'x' }, here).result, {
    message: 'refused: no-session',
    code: 'no-session',
  })
})

t.test('a run that is refused after it was acknowledged is stored as failed', async t => {
  const fake = fakeTransport(
    { events: [started], onCancel: ended('cancelled') },
    refused('no-session'),
  )
  const { engine, runs } = engineWith(fake)
  const first = engine.start({ prompt: 'x' }, here)
  await first.events[Symbol.asyncIterator]().next()
  const next = engine.start({ prompt: 'y' }, { ...here, wait: true })
  await next.acknowledge()
  t.match(await engine.find(next.id), { state: 'running' }, 'it is there once acknowledged')
  first.cancel()
  const events = await all(next.events)
  const failed = { status: 'failed', error: { code: 'refused', words: 'refused: no-session' } }
  t.match(await next.result, failed)
  t.match(events.at(-1), { kind: 'ended', result: failed })
  t.match(await engine.result(next.id), failed)
  t.match(await engine.find(next.id), { state: 'failed' })
  t.equal(runs.size, 2)

  const late = engine.start({ prompt: 'y' }, here)
  await t.rejects(late.result, { code: 'no-session' })
  await t.rejects(late.acknowledge(), { code: 'no-session' }, 'there is nothing to acknowledge')
  t.equal(await engine.find(late.id), null)
})

t.test('an error of our own after the acknowledgement is reported, not shown', async t => {
  const { store } = memoryStore()
  const reported: unknown[] = []
  const engine = createRunEngine({
    workers: () => ({ open: () => Promise.reject(new Error('no engine')) }),
    store,
    lease: memoryLease(),
    now: () => new Date(),
    report: error => reported.push(error),
  })
  const run = engine.start({ prompt: 'x' }, here)
  await run.acknowledge()
  t.match(await run.result, { status: 'failed', error: { words: 'internal error' } })
  t.match(reported, [{ message: 'no engine' }])
  t.equal(reported.length, 1)
})

t.test('a runner that is busy with a dead client is retried', async t => {
  const fake = fakeTransport(refused('busy'), eventsOf('text'))
  const { engine } = engineWith(fake)
  t.equal((await engine.start({ prompt: 'x' }, here).result).status, 'succeeded')
  t.equal(fake.requests.length, 2)
  const never = engineWith(fakeTransport(refused('busy')), { busy: 1 })
  await t.rejects(never.engine.start({ prompt: 'x' }, here).result, {
    message: /busy/,
  })
})

const schema = { type: 'object', required: ['colour'] }

t.test('an answer that does not match its schema is a failure', async t => {
  const withOutput = (output: object): RunnerEvent[] =>
    eventsOf('text').map(event =>
      event.kind === 'claude' && event.message.type === 'result'
        ? { ...event, message: { ...event.message, ...output } }
        : event,
    )
  for (const [output, expected] of [
    [{ structured_output: { colour: 'red' } }, { status: 'succeeded', error: null }],
    [
      { structured_output: {} },
      { status: 'failed', error: { code: 'schema-mismatch', problem: /required property/ } },
    ],
    [{}, { status: 'failed', error: { code: 'schema-mismatch', problem: null } }],
  ] as const) {
    const { engine } = engineWith(fakeTransport(withOutput(output)))
    t.match(await engine.start({ prompt: 'x', jsonSchema: schema }, here).result, expected)
  }
  const { engine } = engineWith(fakeTransport(eventsOf('error-529')))
  t.match(await engine.start({ prompt: 'x', jsonSchema: schema }, here).result, {
    error: { code: 'api-status', status: 529 },
  })
})

t.test('a result that cannot be stored is still delivered', async t => {
  const { store } = memoryStore()
  const engine = createRunEngine({
    workers: () => fakeTransport(eventsOf('text')).transport,
    store: {
      ...store,
      create: async record => ({
        ...(await store.create(record)),
        finish: () => Promise.reject(new Error('ENOSPC')),
      }),
    },
    lease: memoryLease(),
    now: () => new Date(),
  })
  const run = engine.start({ prompt: 'x' }, here)
  const events = await all(run.events)
  t.match(events.at(-2), { kind: 'notice', text: /could not be kept: ENOSPC/ })
  t.equal((await run.result).status, 'succeeded')
})

t.test('the same key is the same run; another request with it is refused', async t => {
  const fake = fakeTransport(eventsOf('text'))
  const { engine } = engineWith(fake)
  const keyed = { ...here, owner: 'a', idempotencyKey: 'k' }
  const first = engine.start({ prompt: 'x' }, keyed)
  const joined = engine.start({ prompt: 'x' }, keyed)
  t.equal(joined.id, first.id)
  t.throws(() => engine.start({ prompt: 'y' }, keyed), { code: 'key-reused' })
  const result = await first.result
  t.same(await joined.result, result)
  t.same(await engine.start({ prompt: 'x' }, keyed).result, result, 'after its end too')
  await t.rejects(engine.start({ prompt: 'y' }, keyed).result, { code: 'key-reused' })
  t.equal(fake.requests.length, 1)
  t.not(engine.start({ prompt: 'x' }, { ...keyed, owner: 'b' }).id, first.id)
})

t.test('a reader resumes after the last event that it saw, without a gap', async t => {
  const fake = fakeTransport({ events: eventsOf('text').slice(0, -1), onCancel: ended() })
  const { engine, runs } = engineWith(fake)
  const run = engine.start({ prompt: 'x' }, here)
  for await (const { seq } of run.events) if (seq === 5) break
  const { signal } = new AbortController()
  const resumed = all(engine.events(run.id, { after: 3, signal }))
  await new Promise(resolve => setTimeout(resolve, 20))
  await engine.cancel(run.id)
  const seqs = (await resumed).map(({ seq }) => seq)
  t.same(seqs, [4, 5, 6, 7, 8, 9, 10, 11, 12])
  t.equal(runs.size, 1)
  const replayed = await all(engine.events(run.id, { after: 10, signal }))
  t.same(
    replayed.map(({ kind }) => kind),
    ['claude', 'ended'],
  )
})

t.test('a run that is interrupted is not one that was cancelled', async t => {
  const silent = { events: [started], onCancel: ended('cancelled') }
  const { engine, runs, lease } = engineWith(fakeTransport(silent))
  const run = engine.start({ prompt: 'x' }, here)
  await run.events[Symbol.asyncIterator]().next()
  run.interrupt()
  t.match(await run.result, { status: 'interrupted', error: { code: 'interrupted' } })
  t.equal(runs.get(run.id)?.log.at(-1), 'interrupted')
  t.equal(lease.held(), false)

  const early = engine.start({ prompt: 'x' }, here)
  early.interrupt()
  t.match(await early.result, { status: 'interrupted' }, 'also before the worker has it')
})
