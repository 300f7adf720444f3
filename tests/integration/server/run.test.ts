import { mkdirSync, symlinkSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { storedToken, token } from './fixture.ts'
import { startRunning } from './running.ts'

t.test('a run answers with Claude’s result in camelCase', async t => {
  const { run, events } = await startRunning(t)
  const answer = await run({ prompt: 'hello there', workspace: 'a' })
  t.match(answer, {
    status: 200,
    body: {
      type: 'result',
      subtype: 'success',
      isError: false,
      result: 'hello there',
      totalCostUsd: 0.1,
      modelUsage: { m: { inputTokens: 10 } },
      permissionDenials: [],
      runId: /^[0-9a-f]{16}$/,
      workspace: '/workspaces/a',
      sessionId: /-/,
    },
  })
  t.notOk('status' in answer.body)
  t.notOk('turns' in answer.body)
  const { runId } = answer.body
  t.match(
    await until(() => events.find(({ kind }) => kind === 'run-ended'), {
      every: 5,
      timeout: 60_000,
    }),
    {
      runId,
      token: 'default',
      tenant: 'main',
      workspace: '/workspaces/a',
      status: 'succeeded',
    },
  )
  t.notMatch(JSON.stringify(events), /hello there/, 'no prompt in the log')
})

t.test('members have two spellings, null and "" are absent, unknown ones are named', async t => {
  const { run } = await startRunning(t)
  const answer = await run({
    prompt: 'x',
    workspace: '',
    model: null,
    append_system_prompt: 'be short',
    systemPrompt: '',
    no_continue: true,
    output_format: 'json-verbose',
    effort: 'low',
    temperature: 1,
    'bad\r\nheader': 1,
  })
  t.match(answer, { status: 200, body: { workspace: '/workspaces', turns: [], system: {} } })
  t.equal(answer.headers['x-ignored-fields'], 'temperature,bad%0D%0Aheader')
  t.match(answer.body.argv, /--effort=low/)
  t.match(answer.body.initialized, { appendSystemPrompt: /be short/ })
  const other = await run({ prompt: 'x', outputFormat: 'text' })
  t.match(other, { status: 200, body: { result: 'x' } }, 'an unknown format reads as json')
  t.notOk('turns' in other.body)
})

t.test('the session of the workspace goes on, unless told otherwise', async t => {
  // The fake Claude writes no sessions: the warm process has its own.
  const { run } = await startRunning(t, { runner: { warm: 1 } })
  const { body: first } = await run({ prompt: 'one', workspace: 'a' })
  t.equal((await run({ prompt: 'two', workspace: 'a' })).body.sessionId, first.sessionId)
  const { body: fresh } = await run({ prompt: 'three', workspace: 'a', noContinue: true })
  t.not(fresh.sessionId, first.sessionId)
  const unknown = '00000000-0000-4000-8000-000000000000'
  t.match(await run({ prompt: 'x', workspace: 'b', resume: unknown }), { status: 400 })
})

t.test('a wrong body is 422 with each problem', async t => {
  const { run, ask } = await startRunning(t)
  t.match(await run({ workspace: 'a' }), {
    status: 422,
    body: { detail: [{ type: 'missing', loc: ['body', 'prompt'], msg: 'Field required' }] },
  })
  const { body } = await run({ prompt: 3, effort: 'huge', timeoutSeconds: 0, model: '--settings' })
  t.same(
    body.detail.map(({ loc }: { loc: string[] }) => loc.join('.')),
    ['body.prompt', 'body.model', 'body.effort', 'body.timeoutSeconds'],
  )
  const post = (text: string, type?: string) =>
    ask('/run', { method: 'POST', body: text, headers: type ? { 'content-type': type } : {} })
  t.match(await post(''), { status: 422, body: { detail: [{ type: 'missing', loc: ['body'] }] } })
  t.match(await post('{"prompt":', 'application/json'), {
    status: 422,
    body: { detail: [{ type: 'json_invalid' }] },
  })
  t.match(await post('[]', 'application/json'), { status: 422 })
  t.match(await post('{"prompt":"x"}', 'text/plain'), { status: 422 }, 'as a web page can send it')
  t.match(await post(`${'['.repeat(10_000)}${']'.repeat(10_000)}`, 'application/json'), {
    status: 422,
    body: { detail: [{ msg: 'JSON has more than 64 levels' }] },
  })
  t.match(await post(`[${'1,'.repeat(200_000)}1]`, 'application/json'), {
    status: 422,
    body: { detail: [{ msg: /more than 100000 values/ }] },
  })
  t.match(await post(Buffer.from([0x22, 0xff, 0x22]).toString('latin1')), { status: 422 })
})

t.test('a strict server refuses unknown members', async t => {
  const { run } = await startRunning(t, { strict: true })
  t.match(await run({ prompt: 'x', temperature: 1 }), {
    status: 422,
    body: { detail: [{ type: 'extra_forbidden', loc: ['body', 'temperature'] }] },
  })
})

t.test('a body has a size', async t => {
  const { run } = await startRunning(t, { limits: { bodyBytes: 1_000 } })
  t.match(await run({ prompt: 'x'.repeat(2_000) }), { status: 413 })
  t.match(await run({ prompt: 'x'.repeat(500) }), { status: 200 })
  const small = await startRunning(t, { limits: { bodiesBytes: 2_000, smallBodyBytes: 100 } })
  t.match(await small.run({ prompt: 'x'.repeat(2_000) }), { status: 503 })
  t.match(await small.run({ prompt: 'x'.repeat(500) }), { status: 200 }, 'the bytes are given back')
})

t.test('a workspace is an existing folder below the root', async t => {
  const { run, runner, folder } = await startRunning(t)
  for (const workspace of ['a', '/a', 'a/', './a', '//a', 'b/../a']) {
    t.match(
      await run({ prompt: 'x', workspace }),
      { body: { workspace: '/workspaces/a' } },
      workspace,
    )
  }
  for (const workspace of ['../main-evil', '..', 'a/../../other', '/../x']) {
    t.match(
      await run({ prompt: 'x', workspace }),
      { status: 400, body: { detail: 'path outside root workspace' } },
      workspace,
    )
  }
  mkdirSync(join(folder, 'other/c'))
  symlinkSync(join(folder, 'other/c'), join(runner.root, 'workspaces/link'))
  symlinkSync('a', join(runner.root, 'workspaces/inner'))
  for (const workspace of ['absent', 'link', 'inner', 'a\0b', 'workspaces/a', '..a', 'a/%2e%2e']) {
    t.match(
      await run({ prompt: 'x', workspace }),
      { status: 400, body: { detail: /^workspace not found: [^\0\r\n]+$/ } },
      JSON.stringify(workspace),
    )
  }
  t.match(await run({ prompt: 'x', workspace: 'absent' }), { status: 400 }, 'and is never created')
})

t.test('a busy workspace is 409, under each of its names', async t => {
  const { run, ask } = await startRunning(t)
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  t.match(body, { runId: /^[0-9a-f]{16}$/, workspace: '/workspaces/a', status: 'running' })
  for (const workspace of ['a', '/a', './a/']) {
    const busy = { status: 409, body: { detail: 'workspace busy, retry later' } }
    t.match(await run({ prompt: 'x', workspace }), busy)
    t.match(await run({ prompt: 'x', workspace, async: true }), busy, 'also for an async run')
  }
  t.match(await run({ prompt: 'x', workspace: 'b' }), { status: 200 })
  t.match(await ask(`/run/cancel?runId=${body.runId}`, { method: 'POST' }), { status: 200 })
  t.match(await run({ prompt: 'x', workspace: 'a' }), { status: 200 })
})

t.test('a client that leaves cancels its run', async t => {
  const { run, ask, port, events } = await startRunning(t)
  const sent = request({
    port,
    method: 'POST',
    path: '/run',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  })
  sent.on('error', () => {})
  sent.end(JSON.stringify({ prompt: 'silent', workspace: 'a' }))
  const started = await until(() => events.find(({ kind }) => kind === 'run-started'), {
    every: 5,
    timeout: 60_000,
  })
  const isBusy = async () => (await ask('/status')).body.busyWorkspaces[0] === '/workspaces/a'
  t.ok(await until(isBusy, { every: 20, timeout: 60_000 }))
  sent.destroy()
  await until(() => events.some(({ kind }) => kind === 'run-ended'), { every: 5, timeout: 60_000 })
  const logged = () => events.find(event => event.kind === 'request' && event.route === '/run')
  t.match(await until(logged, { every: 5, timeout: 60_000 }), { status: 499 })
  const runId = started && 'runId' in started ? started.runId : ''
  t.match(await ask(`/run/result?runId=${runId}`), { body: { status: 'cancelled', isError: true } })
  t.match(await run({ prompt: 'x', workspace: 'a' }), { status: 200 }, 'the workspace is free')
})

t.test('a run with a key goes on for the retry of a client that left', async t => {
  const { run, ask, port, events } = await startRunning(t)
  const sent = request({
    port,
    method: 'POST',
    path: '/run',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': 'k',
    },
  })
  sent.on('error', () => {})
  const body = { prompt: 'silent', workspace: 'a' }
  sent.end(JSON.stringify(body))
  const isBusy = async () => (await ask('/status')).body.busyWorkspaces[0] === '/workspaces/a'
  t.ok(await until(isBusy, { every: 20, timeout: 60_000 }))
  sent.destroy()
  const hasLeft = () => events.some(event => event.kind === 'request' && event.status === 499)
  t.ok(await until(hasLeft, { every: 5, timeout: 60_000 }))

  const retried = run({ ...body, async: true }, { 'idempotency-key': 'k' })
  const { runId, status } = (await retried).body
  t.equal(status, 'running')
  const cancelled = await ask(`/run/cancel?runId=${runId}`, { method: 'POST' })
  t.equal(cancelled.status, 200, 'a cancel still ends it')
  t.match(await ask(`/run/result?runId=${runId}`), { body: { status: 'cancelled' } })
  t.equal(events.filter(({ kind }) => kind === 'run-started').length, 1)
})

t.test('a client that leaves cancels the runs that it pipelined', async t => {
  const { port, events } = await startRunning(t)
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  for (const workspace of ['a', 'b']) {
    const body = JSON.stringify({ prompt: 'silent', workspace })
    socket.write(
      `POST /run HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  }
  const count = (wanted: string) => events.filter(({ kind }) => kind === wanted).length
  t.ok(await until(() => count('run-started') === 2, { every: 5, timeout: 60_000 }))
  socket.destroy()
  t.ok(await until(() => count('run-ended') === 2, { every: 5, timeout: 60_000 }))
})

t.test('a run that is fired and forgotten outlives its client', async t => {
  const { ask, port, events } = await startRunning(t)
  const sent = request({
    port,
    method: 'POST',
    path: '/run',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  })
  sent.on('error', () => {})
  sent.end(JSON.stringify({ prompt: 'stray', workspace: 'a', fireAndForget: true }))
  const started = await until(() => events.find(({ kind }) => kind === 'run-started'), {
    every: 5,
    timeout: 60_000,
  })
  sent.destroy()
  const runId = started && 'runId' in started ? started.runId : ''
  await until(() => events.some(({ kind }) => kind === 'run-ended'), { every: 5, timeout: 60_000 })
  t.match(await ask(`/run/result?runId=${runId}`), { body: { result: /^stray/, isError: false } })
})

t.test('a failed run is 200, and an HTTP error for clients that ask for it', async t => {
  const strict = storedToken('strict', 'cs_strict', { strictStatus: true })
  const { run, ask } = await startRunning(t, {
    tokens: [storedToken('default', token), strict],
  })
  const crash = { prompt: 'crash', workspace: 'a' }
  t.match(await run(crash), {
    status: 200,
    body: { status: 'failed', isError: true, error: /without a result/, permissionDenials: [] },
  })
  const failed = { status: 502, body: { detail: /without a result/, apiErrorStatus: null } }
  t.match(await run(crash, { prefer: 'respond-async, status=strict' }), failed)
  t.match(await ask('/run', { method: 'POST', body: crash, bearer: 'cs_strict' }), failed)
  const late = { prompt: 'silent', workspace: 'a', timeoutSeconds: 1 }
  t.match(await run(late, { prefer: 'status=strict' }), { status: 504 })
  const { body } = await run(late)
  t.match(body, { status: 'failed', error: /within 1 s/, isError: true })
})

t.test('a schema is a string or an object', async t => {
  const { run } = await startRunning(t)
  const schema = { type: 'object', required: ['a'] }
  for (const jsonSchema of [schema, JSON.stringify(schema)]) {
    t.match(await run({ prompt: 'x', jsonSchema, workspace: 'a' }), {
      status: 200,
      body: { isError: true, error: /form of the schema/ },
    })
  }
  for (const jsonSchema of ['{', '[]', 3]) {
    t.match(await run({ prompt: 'x', jsonSchema }), { status: 422 }, JSON.stringify(jsonSchema))
  }
  t.match(await run({ prompt: 'x', jsonSchema: { type: 'nothing' } }), { status: 422 })
})
