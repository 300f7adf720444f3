import { spawn } from 'node:child_process'
import { chmod, mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { RunEvent } from '../../../../src/run/result.ts'
import { createFileStore } from '../../../../src/run/store/file-store.ts'
import { childProgram } from '../../../support/child-program.ts'
import { runRecord as record } from '../../../support/run/run-record.ts'
import { all, notice, testRunStore } from '../../../support/run/store-behaviour.ts'
import { resultOf, transcript } from '../../../support/run/transcript.ts'
import { until } from '../../../support/stack/process.ts'

const at = '2026-11-21T10:00:01.000Z'

testRunStore(t, t => {
  const folder = join(t.testdir(), 'runs')
  return { store: createFileStore(folder), elsewhere: createFileStore(folder) }
})

t.test('a run is running until it has its result, which is read any number of times', async t => {
  const folder = join(t.testdir(), 'runs')
  const store = createFileStore(folder)
  const run = record()
  const log = await store.create(run)
  t.same(await store.read(run.runId), { ...run, result: null })
  const events: RunEvent[] = transcript('text').map((message, index) => ({
    ...{ kind: 'claude', message, seq: index + 1, at },
  }))
  for (const event of events) await log.append(event)
  const result = { ...resultOf('text'), runId: run.runId }
  await log.finish(result)
  for (let i = 0; i < 2; i++) t.same(await store.read(run.runId), { ...run, result })
  const kept = await all(createFileStore(folder).events(run.runId))
  t.same(
    kept,
    events.filter(event => event.kind !== 'claude' || event.message.type !== 'stream_event'),
    'without the pieces of messages',
  )
  const place = join(folder, run.runId)
  t.same(await readdir(place), ['events.ndjson', 'result.json', 'run.json', 'summary.json'])
  for (const file of await readdir(place)) {
    t.equal((await stat(join(place, file))).mode & 0o777, 0o600, file)
  }
  t.equal((await stat(place)).mode & 0o777, 0o700)
})

t.test('an unknown run is null, and an invalid id never becomes a path', async t => {
  const store = createFileStore(join(t.testdir(), 'runs'))
  t.equal(await store.read('0123456789abcdef'), null)
  t.same(await store.list(), { runs: [], next: null })
  t.same(await all(store.events('0123456789abcdef')), [])
  await t.rejects(store.read('../../../etc'))
  await t.rejects(store.requestCancel('../x'))
})

t.test('a run that was refused leaves nothing', async t => {
  const folder = join(t.testdir(), 'runs')
  const store = createFileStore(folder)
  await (await store.create(record())).discard()
  t.same(await readdir(folder), [])
})

t.test('the list is newest first, and skips folders that are not runs', async t => {
  const folder = join(t.testdir(), 'runs')
  const store = createFileStore(folder)
  const days = ['01', '03', '02'].map(day => `2099-11-${day}T00:00:00.000Z`)
  for (const startedAt of days) {
    const run = record({ startedAt })
    await (await store.create(run)).finish({ ...resultOf('text'), runId: run.runId })
  }
  await writeFile(join(folder, 'stray'), '')
  t.same(
    (await store.list()).runs.map(({ startedAt }) => startedAt.slice(8, 10)),
    ['03', '02', '01'],
  )
})

t.test('old runs are pruned, active ones stay', async t => {
  const folder = join(t.testdir(), 'runs')
  const store = createFileStore(folder, { runs: 2, days: 7 })
  const ended = async (hoursAgo: number) => {
    const run = record()
    await (await store.create(run)).finish({ ...resultOf('text'), runId: run.runId })
    await age(run.runId, hoursAgo)
    return run.runId
  }
  const age = (runId: string, hoursAgo: number) => {
    const at = Date.now() / 1000 - hoursAgo * 3_600
    return utimes(join(folder, runId), at, at)
  }
  const running = record()
  const log = await store.create(running)
  const events = join(folder, running.runId, 'events.ndjson')
  await until('its folder to be complete', () => stat(events).catch(() => null))
  await age(running.runId, 24 * 30)
  await ended(24 * 8)
  const third = await ended(3)
  t.same((await readdir(folder)).toSorted(), [running.runId, third].toSorted())
  const second = await ended(2)
  const first = await ended(1)
  t.same((await readdir(folder)).toSorted(), [running.runId, second, first].toSorted())
  await log.finish(resultOf('text'))
})

t.test('a cancel from elsewhere reaches the watcher once', async t => {
  const folder = join(t.testdir(), 'runs')
  const store = createFileStore(folder)
  const run = record()
  const log = await store.create(run)
  const asked = new Promise<void>(resolve => log.onCancel(resolve))
  await createFileStore(folder).requestCancel(run.runId)
  // The watch itself keeps nothing alive.
  const alive = setInterval(() => {}, 1_000)
  await asked
  clearInterval(alive)
  await log.discard()
})

t.test('a run whose watcher was killed is interrupted, and keeps its stored events', async t => {
  const folder = join(t.testdir(), 'runs')
  const run = record()
  const module = join(import.meta.dirname, '../../../../src/run/store/file-store.ts')
  const source = `import { createFileStore } from ${JSON.stringify(module)}
    const log = await createFileStore(${JSON.stringify(folder)}).create(${JSON.stringify(run)})
    const event = { kind: 'started', runId: '${run.runId}', workspace: '/workspace', sessionId: 'the-session', warm: false, startedAt: '' }
    await log.append(event)
    for (const message of ${JSON.stringify(transcript('tools').slice(0, 8))}) await log.append({ kind: 'claude', message })
    setTimeout(() => console.log('there'), 300)
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, [await childProgram(t, source)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  await new Promise(resolve => child.stdout.once('data', resolve))
  const store = createFileStore(folder)
  t.equal((await store.read(run.runId))?.result, null, 'it runs')
  child.kill('SIGKILL')
  const found = await until(
    'the end to be known',
    async () => (await store.read(run.runId))?.result,
  )
  t.match(found, {
    status: 'interrupted',
    sessionId: 'the-session',
    error: { code: 'interrupted' },
  })
  t.ok(found.turns.length > 0)
  t.same((await store.read(run.runId))?.result, found, 'and stays known')
})

t.test('the log of a run is bounded', async t => {
  const folder = join(t.testdir(), 'runs')
  const store = createFileStore(folder)
  const run = record()
  const log = await store.create(run)
  for (let i = 0; i < 12; i++) await log.append(notice('x'.repeat(1_000_000)))
  await log.finish(resultOf('text'))
  t.ok((await stat(join(folder, run.runId, 'events.ndjson'))).size < 9_000_000)
  t.match((await all(store.events(run.runId))).at(-1), { text: /log of this run is full/ })
})

t.test('damaged files do not crash the store', async t => {
  const folder = join(t.testdir(), 'runs')
  const store = createFileStore(folder)
  const run = record()
  const log = await store.create(run)
  await log.append(notice('one'))
  await log.finish(resultOf('text'))
  const events = join(folder, run.runId, 'events.ndjson')
  await writeFile(events, `${await readFile(events, 'utf8')}{"kind":"not`)
  t.same(await all(store.events(run.runId)), [notice('one')])
  await writeFile(join(folder, run.runId, 'result.json'), '{')
  t.match((await store.read(run.runId))?.result, { status: 'interrupted' })
  await writeFile(join(folder, run.runId, 'run.json'), '')
  t.equal(await store.read(run.runId), null)
})

t.test('a malformed event, and one that only a later version knows, is passed over', async t => {
  const folder = join(t.testdir(), 'runs')
  const store = createFileStore(folder)
  const run = record()
  const log = await store.create(run)
  await log.append(notice('one'))
  await log.finish(resultOf('text'))
  const events = join(folder, run.runId, 'events.ndjson')
  const strange = [
    { kind: 'new' },
    { kind: 'claude', message: {} },
    { kind: 'notice', text: 5 },
    { kind: 'question', id: 'q', deadline: '' },
    { kind: 'question-closed', id: 'q', outcome: 'new' },
    { kind: 'ended', result: {} },
  ].map(event => `${JSON.stringify({ ...event, seq: 2, at: '' })}\n`)
  await writeFile(events, (await readFile(events, 'utf8')) + strange.join(''))
  t.same(await all(store.events(run.runId)), [notice('one')])
})

t.test('an error for an unwritable folder names it', async t => {
  const folder = t.testdir({ runs: 'a file' })
  await chmod(join(folder, 'runs'), 0o400)
  await t.rejects(createFileStore(join(folder, 'runs')).create(record()), {
    message: /cannot store runs in .*runs \(ENOTDIR|EEXIST\)/,
    hint: /space/,
  })
})

t.test('an unreadable run is an error, and is not reported as missing', async t => {
  const folder = join(t.testdir(), 'runs')
  const store = createFileStore(folder)
  const { runId } = record()
  await (await store.create(record({ runId }))).finish(resultOf('text'))
  const path = join(folder, runId, 'run.json')
  await chmod(folder, 0o755)
  await chmod(join(folder, runId), 0o755)
  await chmod(path, 0o000)
  // Modes do not stop root.
  if (process.getuid?.() === 0) process.seteuid?.(65534)
  try {
    const message = /cannot read .*run\.json \(EACCES\)/
    await t.rejects(store.read(runId), { message, hint: /owner/ })
    await t.rejects(store.list(), { message })
  } finally {
    if (process.getuid?.() === 0) process.seteuid?.(0)
  }
  await rm(path)
  await mkdir(path)
  await t.rejects(store.read(runId), { message: /run\.json is not a regular file/ })
  const file = join(t.testdir({ runs: 'a file' }), 'runs')
  await t.rejects(createFileStore(file).list(), { message: /cannot read the runs in .*ENOTDIR/ })
})

t.test('a run with an open question waits, and an answer from elsewhere reaches it', async t => {
  const folder = join(t.testdir(), 'runs')
  const store = createFileStore(folder)
  const run = record()
  const log = await store.create(run)
  const elsewhere = createFileStore(folder)
  t.match(await elsewhere.summary(run.runId), { state: 'running', question: null })
  const questions = [{ question: 'Which?', multiSelect: false, options: [] }]
  await log.setQuestion({ id: 'q1', questions, deadline: at })
  t.match(await elsewhere.summary(run.runId), { state: 'waiting', question: { id: 'q1' } })
  const given = new Promise(resolve => log.onAnswer((...answer) => resolve(answer)))
  await writeFile(join(folder, run.runId, 'answer.json'), '{"id": 7}')
  await elsewhere.sendAnswer(run.runId, 'q1', { 'Which?': 'this' })
  const alive = setInterval(() => {}, 1_000)
  t.same(await given, ['q1', { 'Which?': 'this' }])
  clearInterval(alive)
  await log.setQuestion(null)
  t.match(await elsewhere.summary(run.runId), { state: 'running', question: null })
  await log.discard()
})

t.test('a run of an earlier version is still read', async t => {
  const runId = '0123456789abcdef'
  const { runId: _, error: __, ...result } = resultOf('text')
  const error = { message: 'it broke', hint: 'x', apiErrorStatus: null }
  const folder = t.testdir({
    [runId]: {
      'run.json': JSON.stringify({
        runId,
        ...{ workspace: '/workspace', startedAt: at, prompt: 'x', model: null },
      }),
      'result.json': JSON.stringify({ ...result, runId, status: 'failed', error }),
      'events.ndjson': '{"kind":"notice","text":"one"}\n{"kind":"notice","text":"two"}\n',
    },
  })
  const store = createFileStore(folder)
  t.match(await store.summary(runId), {
    state: 'failed',
    owner: null,
    error: { code: 'earlier', words: 'it broke' },
  })
  t.match(await all(store.events(runId)), [
    { seq: 1, text: 'one' },
    { seq: 2, text: 'two' },
  ])
})
