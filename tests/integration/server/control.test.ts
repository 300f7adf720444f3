import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { createFileStore } from '../../../src/run/store/file-store.ts'
import { finished } from '../../support/run/store-behaviour.ts'
import { storedToken, token } from './fixture.ts'
import { startRunning } from './running.ts'

const question = {
  tool_name: 'AskUserQuestion',
  input: {
    questions: [{ question: 'Which?', header: 'x', multiSelect: false, options: [{ label: 'A' }] }],
  },
}
const ask = (more: object = {}) => ({ prompt: `ask ${JSON.stringify({ ...question, ...more })}` })
/** Writes what the real Claude Code keeps of a session: without it, only a warm process can go on. */
function keepTranscript({ home, sessionId }: { home: string; sessionId: string }) {
  const folder = join(home, '.claude/projects/p')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${sessionId}.jsonl`), '{}\n')
}
const every = { every: 20, timeout: 60_000 }

t.test('a result is there until it expires, of sync and of async runs', async t => {
  const { run, ask } = await startRunning(t)
  const result = (query: string) => ask(`/run/result${query}`)
  t.match(await result(''), {
    status: 422,
    body: { detail: [{ type: 'missing', loc: ['query', 'runId'] }] },
  })
  const absent = { status: 404, body: { detail: 'run not found' } }
  for (const id of ['0123456789abcdef', 'x', '../run', 'a%00', '%0d%0a']) {
    t.match(await result(`?runId=${id}`), absent, id)
  }
  const { body: sync } = await run({ prompt: 'one', workspace: 'a' })
  t.same((await result(`?runId=${sync.runId}`)).body, sync)
  t.same((await result(`?runId=${sync.runId}`)).body, sync, 'as often as asked')

  const { body: started } = await run({
    prompt: 'two',
    workspace: 'b',
    async_mode: true,
    outputFormat: 'json-verbose',
  })
  const ended = async () => {
    const { body } = await result(`?runId=${started.runId}`)
    if (body.status !== 'running') return body
    t.same(body, { runId: started.runId, workspace: '/workspaces/b', status: 'running' })
    return null
  }
  const body = await until(ended, every)
  t.match(body, { result: 'two', runId: started.runId, turns: [], system: {} })
  t.notOk('status' in body)
  t.notOk('turns' in (await result(`?runId=${started.runId}&outputFormat=json`)).body)
})

t.test('a cancel ends the run that it names, and no other', async t => {
  const { run, ask } = await startRunning(t)
  const cancel = (query: string, more: object = {}) =>
    ask(`/run/cancel${query}`, { method: 'POST', ...more })
  const nothing = { status: 404, body: { detail: 'no running process for workspace' } }
  t.match(await cancel(''), nothing)
  t.match(await cancel('?workspace=a'), nothing)
  t.match(await cancel('?runId=0123456789abcdef'), {
    status: 404,
    body: { detail: 'run not found' },
  })
  t.match(await cancel('?workspace=absent'), { status: 400 })
  t.match(await cancel('?workspace=../x'), { status: 400 })

  const { body: old } = await run({ prompt: 'x', workspace: 'a' })
  const { body: now } = await run({ prompt: 'silent', workspace: 'a', async: true })
  t.match(await cancel(`?runId=${old.runId}`), nothing, 'a finished run cancels nothing')
  t.match(await ask(`/run/result?runId=${now.runId}`), { body: { status: 'running' } })
  // As claudebox's client sends it.
  const json = { headers: { 'content-type': 'application/json' } }
  t.same((await cancel(`?runId=${now.runId}`, json)).body, {
    status: 'ok',
    runId: now.runId,
    workspace: '/workspaces/a',
  })
  t.match(await ask(`/run/result?runId=${now.runId}`), { body: { status: 'cancelled' } })

  await run({ prompt: 'silent', async: true })
  t.same((await cancel('', { body: 'not JSON' })).body, { status: 'ok', workspace: '/workspaces' })
  const waiting = run({ prompt: 'silent', workspace: 'b' })
  await until(
    async () => (await ask('/status')).body.busyWorkspaces.includes('/workspaces/b'),
    every,
  )
  await cancel('?workspace=/b/')
  t.match(await waiting, { status: 200, body: { status: 'cancelled', isError: true } })
})

t.test('a run is cancelled by its workspace, however many newer ones have ended', async t => {
  const { run, ask, of, folder } = await startRunning(t)
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  await run({ prompt: 'one', workspace: 'b' })
  const store = createFileStore(join(folder, 'store/main/runs'))
  for (let i = 0; i < 200; i++) await finished(store, { startedAt: '2999-01-01T00:00:00.000Z' })
  const newest = await of('main').list()
  t.notOk(newest.runs.some(({ runId }) => runId === body.runId))
  t.match(await ask('/run/cancel?workspace=a', { method: 'POST' }), { status: 200 })
  t.match(await ask(`/run/result?runId=${body.runId}`), { body: { status: 'cancelled' } })
})

t.test('a question waits for its answer, if the run may ask', async t => {
  const { run, ask: get } = await startRunning(t)
  const send = (path: string, body: unknown) => get(path, { method: 'POST', body: body as object })
  const { body } = await run({ ...ask(), workspace: 'a', async: true, asks: true })
  const path = `/run/answer?runId=${body.runId}`
  const waiting = async () => {
    const found = (await get(`/run/result?runId=${body.runId}`)).body
    return found.status === 'waiting' && found
  }
  t.match(await until(waiting, every), {
    question: { questions: question.input.questions, deadline: /T/ },
  })
  t.match(await get('/status'), { body: { runs: [{ status: 'waiting' }] } })
  t.match(await send(path, { answers: { 'Another?': 'A' } }), { status: 422 })
  t.match(await send(path, { answers: 3 }), { status: 422 })
  t.match(await send('/run/answer?runId=0123456789abcdef', {}), { status: 404 })
  t.match(await send(path, { answers: { 'Which?': 'A' } }), {
    status: 200,
    body: { status: 'ok', runId: body.runId, workspace: '/workspaces/a' },
  })
  const ended = async () => {
    const found = (await get(`/run/result?runId=${body.runId}`)).body
    return 'result' in found && found
  }
  t.match(await until(ended, every), { result: /"Which\?":"A"/ })
  t.match(await send(path, { answers: null }), { status: 409 })
})

t.test('a message that was accepted has a result, also when its worker dies first', async t => {
  const { run, ask, runner } = await startRunning(t, { runner: { warm: 1 } })
  const { body: first } = await run({ prompt: 'one', workspace: 'a' })
  keepTranscript(first)
  const send = async (message: string) =>
    (await ask(`/run/message?runId=${first.runId}`, { method: 'POST', body: { message } })).body
  const silent = await send('silent')
  const waiting = await send('two')
  t.match(waiting, { status: 'running' })
  await runner.stop()
  const ended = async () => {
    const { status, body } = await ask(`/run/result?runId=${waiting.runId}`)
    return (status !== 200 || body.status !== 'running') && { status, body }
  }
  t.match(await until(ended, every), {
    status: 200,
    body: {
      runId: waiting.runId,
      status: 'failed',
      isError: true,
      error: /^the run was refused: /,
    },
  })
  t.match(await ask(`/run/result?runId=${silent.runId}`), { body: { isError: true } })
})

t.test('a message is the next turn of the session', async t => {
  const { run, ask } = await startRunning(t, { runner: { warm: 1 } })
  const send = (runId: string, body: object) =>
    ask(`/run/message?runId=${runId}`, { method: 'POST', body })
  const { body: first } = await run({ prompt: 'one', workspace: 'a' })
  keepTranscript(first)
  const { status, body: next } = await send(first.runId, { message: 'two' })
  t.equal(status, 200)
  t.not(next.runId, first.runId)
  const ended = async () => {
    const { body } = await ask(`/run/result?runId=${next.runId}`)
    return 'result' in body && body
  }
  t.match(await until(ended, every), { result: 'two', sessionId: first.sessionId })
  const { body: silent } = await send(first.runId, { message: 'silent' })
  const { body: waiting } = await send(first.runId, { message: 'three' })
  const cancelled = await ask('/run/cancel?workspace=a', { method: 'POST' })
  t.equal(cancelled.status, 200)
  t.match(await ask(`/run/result?runId=${silent.runId}`), { body: { status: 'cancelled' } })
  const third = async () => {
    const { body } = await ask(`/run/result?runId=${waiting.runId}`)
    return 'isError' in body && body
  }
  t.match(await until(third, every), { runId: waiting.runId, result: 'three' }, 'it has waited')
  t.match(await send(first.runId, {}), { status: 422 })
  t.match(await send('0123456789abcdef', { message: 'x' }), { status: 404 })
})

t.test('one key is one run', async t => {
  const { run, ask } = await startRunning(t)
  const key = { 'idempotency-key': 'order 1' }
  const request = { prompt: 'hello', workspace: 'a' }
  const [one, same] = await Promise.all([run(request, key), run(request, key)])
  t.equal(one.body.runId, same.body.runId)
  t.equal((await run(request, key)).body.runId, one.body.runId, 'also after its end')
  t.equal((await run({ ...request, async: true }, key)).body.status, 'completed')
  t.match((await ask('/status')).body.runs, { length: 1 })
  const reused = { status: 422, body: { detail: [{ loc: ['header', 'Idempotency-Key'] }] } }
  t.match(await run({ ...request, prompt: 'other' }, key), reused)
  t.match(await run({ ...request, workspace: 'b' }, key), reused, 'the workspace counts too')
  t.match(await run(request, { 'idempotency-key': 'x'.repeat(300) }), { status: 422 })
})

t.test('a token has its workspaces, models, budget and modes', async t => {
  const spent = { usd: 0, tokens: 0 }
  const limited = (name: string, more: object) => storedToken(name, `cs_${name}`, more)
  const { ask, run } = await startRunning(t, {
    spent: () => spent,
    tokens: [
      storedToken('default', token),
      limited('a', { workspaces: ['a'] }),
      limited('two', { workspaces: ['a', 'b'] }),
      limited('models', { models: ['haiku', 'opus'] }),
      limited('poor', { budget: { usdPerDay: 1, tokensPerDay: 1_000 } }),
      limited('files', { modes: ['files'] }),
    ],
  })
  const as = (name: string, body: object) =>
    ask('/run', { method: 'POST', body, bearer: `cs_${name}` })
  t.match(await as('a', { prompt: 'x' }), { body: { workspace: '/workspaces/a' } }, 'its own root')
  t.match(await as('a', { prompt: 'x', workspace: 'a' }), { body: { workspace: '/workspaces/a' } })
  for (const workspace of ['b', 'a/../b', 'absent']) {
    t.match(await as('a', { prompt: 'x', workspace }), {
      status: 400,
      body: { detail: /^workspace not found/ },
    })
  }
  t.match(await as('two', { prompt: 'x' }), { status: 400, body: { detail: /one of a, b/ } })
  const { body: inB } = await run({ prompt: 'x', workspace: 'b' })
  t.match(await ask(`/run/result?runId=${inB.runId}`, { bearer: 'cs_a' }), { status: 404 })
  t.match(await ask(`/run/result?runId=${inB.runId}`, { bearer: 'cs_two' }), { status: 200 })
  const { body: seen } = await ask('/status', { bearer: 'cs_a' })
  t.ok(seen.runs.every((run: { workspace: string }) => run.workspace === '/workspaces/a'))

  t.match((await as('models', { prompt: 'x' })).body.argv, /--model=haiku/)
  t.match(await as('models', { prompt: 'x', model: 'sonnet' }), {
    status: 403,
    body: { detail: /model sonnet is not allowed/ },
  })

  spent.usd = 0.25
  t.match((await as('poor', { prompt: 'x' })).body.argv, /--max-budget-usd=0\.75/)
  t.match((await as('poor', { prompt: 'x', maxBudgetUsd: 0.5 })).body.argv, /--max-budget-usd=0\.5/)
  await as('poor', { prompt: 'silent', async: true, workspace: 'a', timeoutSeconds: 60 })
  t.match(await as('poor', { prompt: 'x', workspace: 'b' }), {
    status: 429,
    body: { detail: /may use up the budget/ },
  })
  await ask('/run/cancel?workspace=a', { method: 'POST' })
  spent.usd = 1
  t.match(await as('poor', { prompt: 'x' }), { status: 402, body: { detail: /\$1\.0000 of \$1/ } })
  Object.assign(spent, { usd: 0, tokens: 1_000 })
  t.match(await as('poor', { prompt: 'x' }), { status: 402, body: { detail: /1000 tokens/ } })

  t.match(await as('files', { prompt: 'x' }), { status: 403 })
  t.match(await ask('/status', { bearer: 'cs_files' }), { status: 403 })
  t.match(await ask('/nothing', { bearer: 'cs_files' }), { status: 404 })
})

t.test('the runs of another tenant do not exist', async t => {
  const { ask, run } = await startRunning(t, {
    tenants: [{ name: 'main' }, { name: 'other' }],
    tokens: [
      storedToken('default', token),
      storedToken('stranger', 'cs_stranger', { tenant: 'other' }),
    ],
  })
  const { body } = await run({ prompt: 'silent', async: true })
  const bearer = 'cs_stranger'
  t.same((await ask('/status', { bearer })).body, { busyWorkspaces: [], runs: [] })
  const absent = { status: 404, body: { detail: 'run not found' } }
  t.match(await ask(`/run/result?runId=${body.runId}`, { bearer }), absent)
  t.match(await ask(`/run/events?runId=${body.runId}`, { bearer }), absent)
  for (const path of ['cancel', 'answer', 'message']) {
    const sent = { method: 'POST', body: { message: 'x' }, bearer }
    t.match(await ask(`/run/${path}?runId=${body.runId}`, sent), absent, path)
  }
  t.match(await ask('/run/cancel', { method: 'POST', bearer }), { status: 404 })
  t.match(await ask('/run', { method: 'POST', body: { prompt: 'x', workspace: 'a' }, bearer }), {
    status: 400,
    body: { detail: 'workspace not found: a' },
  })
  t.match((await ask('/status')).body.busyWorkspaces, ['/workspaces'])
})

t.test('a tenant has a number of runs at once', async t => {
  const { run, ask } = await startRunning(t, { runLimit: 1 })
  await run({ prompt: 'silent', workspace: 'a', async: true })
  t.match(await run({ prompt: 'x', workspace: 'b' }), {
    status: 503,
    body: { detail: 'too many runs at once: 1 are in progress' },
  })
  await ask('/run/cancel?workspace=a', { method: 'POST' })
  t.match(await run({ prompt: 'x', workspace: 'b' }), { status: 200 })
})

t.test('a server that stops lets runs end, and starts no more', async t => {
  const { run, ask, starter, events } = await startRunning(t)
  const { body: left } = await run({ prompt: 'silent', async: true, workspace: 'a' })
  const drained = starter.drain(500)
  t.match(await run({ prompt: 'x', workspace: 'b' }), {
    status: 503,
    body: { detail: 'the server is stopping, retry later' },
    headers: { 'retry-after': '10' },
  })
  t.match(await ask(`/run/result?runId=${left.runId}`), { status: 200 }, 'results still answer')
  await drained
  t.match(
    events.filter(({ kind }) => kind === 'warn'),
    [{ message: 'run interrupted: the server stops', runId: left.runId, token: 'default' }],
  )
  t.match(await ask(`/run/result?runId=${left.runId}`), {
    body: { status: 'interrupted', isError: true, error: /^interrupted/ },
  })
})
