import t from 'tap'
import { storedToken, token } from './fixture.ts'
import { callOf, envelope, initialize, list, messageOf, startMcp } from './mcp-fixture.ts'

t.test('every version with initialize is spoken, with and without the slash', async t => {
  const { post } = await startMcp(t)
  for (const version of ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']) {
    for (const path of ['/mcp', '/mcp/']) {
      const answer = await post(initialize(version), { path })
      t.equal(answer.status, 200)
      t.match(messageOf(answer), { id: 1, result: { protocolVersion: version } }, version)
      const headers = {
        'mcp-session-id': String(answer.headers['mcp-session-id']),
        'mcp-protocol-version': version,
      }
      const listed = messageOf(await post(list, { path, headers }))
      t.equal(listed.result.tools.length, 8, version)
    }
  }
  t.match(messageOf(await post(initialize('1999-01-01'))).result.protocolVersion, '2025-11-25')
})

t.test('2026-07-28 needs no session', async t => {
  const { post } = await startMcp(t)
  const headers = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/list' }
  const answer = await post({ ...list, params: { _meta: envelope } }, { headers })
  t.match(answer, { status: 200, body: { result: { tools: { length: 8 } } } })
  t.notOk(answer.headers['mcp-session-id'])
  const unknown = { ...envelope, 'io.modelcontextprotocol/protocolVersion': '2031-01-01' }
  t.match(
    await post(
      { ...list, params: { _meta: unknown } },
      { headers: { ...headers, 'mcp-protocol-version': '2031-01-01' } },
    ),
    { status: 400, body: { error: { data: { supported: ['2026-07-28'] } } } },
  )
})

t.test('the token is checked first, the host and the origin before it', async t => {
  const { ask, post } = await startMcp(t, {
    tokens: [storedToken('default', token), storedToken('api', 'only-the-api', { modes: ['api'] })],
  })
  for (const method of ['GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']) {
    const answer = await ask('/mcp', { method, bearer: null })
    t.match(answer, { status: 401, headers: { 'www-authenticate': 'Bearer' } }, method)
  }
  t.match(await ask('/mcp?apiToken=x', { bearer: null }), { status: 401 })
  t.match(await ask('/mcp', { method: 'PUT' }), { status: 405 })
  t.match(await post(list, { bearer: 'only-the-api' }), { status: 403 })
  t.match(await post(list, { bearer: null, headers: { host: 'evil.test' } }), { status: 403 })
  t.match(await post(list, { headers: { origin: 'https://evil.test' } }), { status: 403 })
})

t.test('a client that looks for OAuth finds none', async t => {
  const { ask } = await startMcp(t)
  const paths = [
    '/.well-known/oauth-protected-resource',
    '/.well-known/oauth-protected-resource/mcp',
    '/.well-known/oauth-authorization-server/mcp/',
    '/mcp/.well-known/openid-configuration',
  ]
  for (const path of paths) {
    for (const method of ['GET', 'POST', 'OPTIONS']) {
      const answer = await ask(path, { method, bearer: null })
      t.match(answer, { status: 404, body: { detail: 'Not Found' } }, `${method} ${path}`)
      t.match(answer.headers['content-type'], 'application/json')
    }
  }
  t.match(await ask(paths[0] ?? '', { bearer: null, headers: { host: 'evil.test' } }), {
    status: 403,
  })
})

t.test('a message that cannot be read is refused as JSON-RPC', async t => {
  const { post, openSession } = await startMcp(t)
  const headers = await openSession()
  const deep = `${'['.repeat(100)}${']'.repeat(100)}`
  const cases: [string, number, number][] = [
    ['{', 400, -32_700],
    ['', 400, -32_700],
    [deep, 400, -32_700],
    ['{"no":"method"}', 400, -32_600],
    [JSON.stringify({ ...list, id: 'x'.repeat(300) }), 400, -32_600],
  ]
  for (const [body, status, code] of cases) {
    t.match(await post(body, { headers }), { status, body: { error: { code } } }, body.slice(0, 20))
  }
  t.match(await post(list, { headers: { 'content-type': 'text/plain' } }), { status: 415 })
  t.match(await post(list), { status: 400 }, 'without a session')
  t.match(messageOf(await post({ ...list, method: 'no/such' }, { headers })), {
    error: { code: -32_601 },
  })
  t.match(messageOf(await post(callOf('no_such_tool', {}), { headers })), {
    error: { code: -32_602 },
  })
  t.match(messageOf(await post(callOf('claude_run', {}), { headers })), {
    result: { isError: true },
  })
})

t.test('a session belongs to its token, and ends', async t => {
  const { post, openSession, ask } = await startMcp(t, {
    tokens: [storedToken('default', token), storedToken('second', 'the-second-token')],
  })
  const headers = await openSession()
  const absent = { status: 404, body: { error: { message: 'Session not found' } } }
  t.match(await post(list, { headers: { 'mcp-session-id': 'unknown' } }), absent)
  t.match(await post(list, { headers, bearer: 'the-second-token' }), absent)
  const remove = (bearer: string) => ask('/mcp', { method: 'DELETE', headers, bearer })
  t.match(await remove('the-second-token'), absent)
  t.match(await post(list, { headers }), { status: 200 })
  t.match(await remove(token), { status: 200 })
  t.match(await post(list, { headers }), absent)
})
