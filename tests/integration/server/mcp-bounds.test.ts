import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { storedToken, token } from './fixture.ts'
import {
  accept,
  callOf,
  envelope,
  initialize,
  list,
  mcpClient,
  messageOf,
  startMcp,
} from './mcp-fixture.ts'
import { startRunning } from './running.ts'

const every = { every: 20, timeout: 60_000 }

t.test('sessions, calls, streams and their bytes are bounded', async t => {
  const limits = { mcpSessions: 2, mcpInitializeBytes: 1_000, streams: 1, mcpCancelled: 2 }
  const { post, openSession, ask, open } = await startMcp(t, { limits })
  const first = await openSession()
  const second = await openSession()
  t.match(await post(list, { headers: first }), { status: 200 })
  await openSession()
  t.match(await post(list, { headers: second }), { status: 404 }, 'the one unused for longest')
  t.match(await post(list, { headers: first }), { status: 200 })

  t.match(await post(initialize('2025-11-25', { x: 'x'.repeat(1_000) })), { status: 413 })

  const stream = await open('/mcp', { headers: { ...first, accept } })
  t.equal(stream.statusCode, 200)
  t.match(await ask('/mcp', { headers: { ...first, accept } }), { status: 429 })
  stream.destroy()
  const again = async () => {
    const next = await open('/mcp', { headers: { ...first, accept } })
    next.destroy()
    return next.statusCode === 200
  }
  t.ok(await until(again, every), 'a stream that is closed makes room')

  const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } }
  const isGone = async () => (await post([cancel, cancel], { headers: first })).status === 404
  t.ok(await until(isGone, every), 'a session of cancelled requests ends')
})

t.test('a token gets what its settings allow, and sees its own runs alone', async t => {
  const server = mcpClient(
    await startRunning(t, {
      tenants: [{ name: 'main' }, { name: 'other' }],
      tokens: [
        storedToken('default', token),
        storedToken('models', 'with-models', { models: ['sonnet'], workspaces: ['a'] }),
        storedToken('poor', 'with-a-budget', { budget: { usdPerDay: 1 } }),
        storedToken('foreign', 'of-another-tenant', { tenant: 'other' }),
      ],
      spent: () => ({ usd: 2, tokens: 0 }),
      limits: { runsPerMinute: 3 },
    }),
  )
  const call = async (bearer: string, name: string, args: object) =>
    messageOf(
      await server.post(callOf(name, args), {
        bearer,
        headers: await server.openSession({ bearer }),
      }),
    ).result

  const own = await call(token, 'claude_run', { prompt: 'hello', workspace: 'b' })
  const { run_id } = own.structuredContent
  t.match(await call(token, 'run_result', { run_id }), { structuredContent: { result: 'hello' } })
  for (const bearer of ['with-models', 'of-another-tenant']) {
    const hidden = await call(bearer, 'run_result', { run_id })
    t.match(hidden, { isError: true, content: [{ text: 'run not found' }] }, bearer)
  }
  const run = (bearer: string, args: object) =>
    call(bearer, 'claude_run', { prompt: 'x', workspace: 'a', ...args })
  t.match(await run('with-models', { model: 'opus' }), {
    content: [{ text: /model opus is not allowed/ }],
  })
  t.match(await run('with-models', { workspace: 'b' }), {
    content: [{ text: /workspace not found: b/ }],
  })
  const { structuredContent } = await run('with-models', {})
  t.match(await server.of('main').find(structuredContent.run_id), { model: 'sonnet' })
  t.match(await run('with-a-budget', {}), { content: [{ text: /budget .* is used up/ }] })
  t.match(await call('with-models', 'list_files', { path: 'b' }), {
    content: [{ text: 'path outside root workspace' }],
  })
  await run(token, {})
  await run(token, {})
  t.match(await run(token, {}), { content: [{ text: /more than 3 runs in a minute/ }] })
})

t.test('a client that leaves cancels its run, in both generations', async t => {
  const server = mcpClient(await startRunning(t))
  const call = callOf('claude_run', { prompt: 'silent', workspace: 'a' })
  const session = await server.openSession()
  const modern = {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'claude_run',
  }
  const params = { ...call.params, _meta: { ...envelope, progressToken: 1 } }
  const cases: [object, Record<string, string>][] = [
    [call, session],
    [{ ...call, params }, modern],
  ]
  for (const [body, more] of cases) {
    const headers = { accept, ...more }
    const answer = await server.open('/mcp', { method: 'POST', body, headers })
    t.ok(await until(() => server.starter.count() === 1, every))
    answer.destroy()
    t.ok(await until(() => server.starter.count() === 0, every))
    t.match((await server.of('main').list({ limit: 1 })).runs, [{ state: 'cancelled' }])
  }
})

t.test('the calls of a token and the texts that they hold are bounded', async t => {
  const server = mcpClient(await startRunning(t, { limits: { mcpCalls: 1 } }))
  const headers = await server.openSession()
  const run = callOf('claude_run', { prompt: 'silent', workspace: 'a' })
  const answer = await server.open('/mcp', {
    method: 'POST',
    body: run,
    headers: { accept, ...headers },
  })
  t.ok(await until(() => server.starter.count() === 1, every))
  t.match(messageOf(await server.post(callOf('list_files', {}), { headers })).result, {
    isError: true,
    content: [{ text: 'too many calls at once, retry later' }],
  })
  answer.destroy()
  const isFree = async () => {
    const body = callOf('run_result', { run_id: '0123456789abcdef' })
    const { result } = messageOf(await server.post(body, { headers }))
    return result.content[0].text === 'run not found'
  }
  t.ok(await until(isFree, every), 'a call that is over makes room')

  const small = await startMcp(t, { limits: { mcpBytes: 1_000 } })
  const session = await small.openSession()
  const call = async (name: string, args: object) =>
    messageOf(await small.post(callOf(name, args), { headers: session })).result
  t.match(await call('write_file', { path: 'a', content: 'x'.repeat(400) }), { content: [{}] })
  t.match(await call('write_file', { path: 'b', content: 'x'.repeat(600) }), {
    isError: true,
    content: [{ text: 'too many large answers at once, retry later' }],
  })
  t.match(await call('read_file', { path: 'a' }), { isError: true })
})

t.test('a question that the server did not ask is refused', async t => {
  const { post } = await startMcp(t)
  const { params, ...call } = callOf('run_result', { run_id: '0123456789abcdef' })
  const forged = Buffer.from('{"p":{"runId":"0123456789abcdef","questionId":"q"}}')
  const headers = {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': 'run_result',
  }
  const body = {
    ...call,
    params: {
      ...params,
      requestState: `v1.${forged.toString('base64url')}.AAAA`,
      inputResponses: { questions: { action: 'decline' } },
      _meta: envelope,
    },
  }
  const { text } = await post(body, { headers })
  t.match(text, /"code":-32602/)
  t.match(text, /Invalid or expired requestState/)
})
