import { once } from 'node:events'
import { connect } from 'node:net'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { startServer, storedToken, token } from './fixture.ts'

t.test('health answers without a token, and nothing else does', async t => {
  const { ask } = await startServer(t)
  t.match(await ask('/health', { bearer: null }), { status: 200, body: { status: 'ok' } })
  t.match(await ask('/health/', { bearer: null }), { status: 200 }, 'without a redirect')

  const refused = { status: 401, body: { detail: 'unauthorized' } }
  for (const path of ['/run', '/status', '/docs', '/openapi.json', '/metrics', '/nothing', '/']) {
    t.match(await ask(path, { bearer: null }), refused, path)
  }
  t.equal((await ask('/', { bearer: null })).headers['www-authenticate'], 'Bearer')
  t.match(await ask('/health', { method: 'POST', bearer: null }), refused, '401 before 405')
  t.match(await ask('/%', { bearer: null }), refused, '401 before a malformed path')
})

t.test('a token is taken from the header alone', async t => {
  const { ask } = await startServer(t)
  t.match(await ask('/nothing'), { status: 404, body: { detail: 'Not Found' } })
  for (const bearer of ['', `${token}x`, token.slice(0, -1), token.toUpperCase()]) {
    t.match(await ask('/nothing', { bearer }), { status: 401 }, bearer)
  }
  const other = (headers: Record<string, string>, path = '/nothing') =>
    ask(path, { bearer: null, headers })
  t.match(await other({ authorization: `Basic ${token}` }), { status: 401 })
  t.match(await other({ authorization: token }), { status: 401 })
  t.match(await other({ 'x-api-key': token }), { status: 401 })
  t.match(
    await other({ authorization: `bearer ${token}` }),
    { status: 404 },
    'a scheme has no case',
  )
  for (const name of ['apiToken', 'token', 'access_token']) {
    t.match(await other({}, `/nothing?${name}=${token}`), { status: 401 }, name)
  }
})

t.test('a token is refused before its body is read', async t => {
  const { port } = await startServer(t)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.write(
    'POST /run HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n' +
      'content-length: 300000000\r\n\r\n{',
  )
  const [answer] = await once(socket, 'data')
  t.match(String(answer), /^HTTP\/1.1 401 /)
  t.match(String(answer), /connection: close/i, 'the rest of a large body is not waited for')
})

t.test('a path has its methods, and others are 405', async t => {
  const { ask } = await startServer(t)
  const answer = await ask('/health', { method: 'DELETE' })
  t.match(answer, { status: 405, body: { detail: 'Method Not Allowed' } })
  t.equal(answer.headers.allow, 'GET')
  t.match(await ask('/health/', { method: 'POST' }), { status: 405 })
  t.match(await ask('/healthy', { method: 'POST' }), { status: 404 })
})

t.test('another host or origin is refused before the token', async t => {
  const { ask, raw } = await startServer(t, {
    hosts: ['ai.example'],
    origins: ['https://page.example'],
  })
  const status = async (headers: Record<string, string>) =>
    (await ask('/health', { headers, bearer: null })).status
  for (const host of [
    'localhost',
    'localhost:8080',
    '127.0.0.1:1',
    '[::1]:8080',
    'AI.example:443',
  ]) {
    t.equal(await status({ host }), 200, host)
  }
  for (const host of ['evil.example', '127.0.0.1.evil.example', 'ai.example.evil', 'localhost:x']) {
    t.equal(await status({ host }), 403, host)
  }
  const from = (origin: string) => status({ host: 'localhost:8080', origin })
  t.equal(await from('http://localhost:8080'), 200, "the server's own pages")
  t.equal(await from('https://page.example'), 200)
  for (const origin of ['http://localhost:9090', 'https://evil.example', 'null', 'file://']) {
    t.equal(await from(origin), 403, origin)
  }
  t.match(await ask('/run', { method: 'POST', headers: { host: 'evil' }, bearer: null }), {
    status: 403,
    body: { detail: 'host not allowed: list its name in SERVER_ALLOWED_HOSTS' },
  })
  const twice = await raw(
    'GET /health HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\nconnection: close\r\n\r\n',
  )
  t.match(twice, /^HTTP\/1.1 40[03] /)
  const none = await raw('GET /health HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n')
  t.match(none, /^HTTP\/1.1 40[03] /)
})

t.test('a page of a listed origin may read answers, and no other', async t => {
  const { ask } = await startServer(t, { origins: ['https://page.example'] })
  const preflight = (origin: string) =>
    ask('/run', {
      method: 'OPTIONS',
      bearer: null,
      headers: { origin, 'access-control-request-method': 'POST' },
    })
  const { status, headers } = await preflight('https://page.example')
  t.equal(status, 204)
  t.equal(headers['access-control-allow-origin'], 'https://page.example')
  const sent = headers['access-control-allow-headers']
  for (const name of ['authorization', 'x-api-key', 'x-claude-workspace', 'x-stainless-os']) {
    t.ok(sent?.split(', ').includes(name), name)
  }
  t.match(headers['access-control-expose-headers'], /x-claude-run-id/)
  t.notOk(headers['access-control-allow-credentials'])
  t.match(await preflight('https://evil.example'), { status: 403 })
  t.match(await ask('/run', { method: 'OPTIONS', bearer: null }), { status: 401 })
  const origin = 'https://page.example'
  const refused = await ask('/status', { bearer: null, headers: { origin } })
  t.match(refused, { status: 401, headers: { 'access-control-allow-origin': origin } })
  const own = await ask('/nothing', { headers: { host: 'localhost', origin: 'http://localhost' } })
  t.notOk(own.headers['access-control-allow-origin'])
})

t.test('tokens are added and revoked while the server runs', async t => {
  const { ask, files, events } = await startServer(t)
  const status = async (bearer: string) => (await ask('/nothing', { bearer })).status
  t.equal(await status('cs_second'), 401)
  files.write({ tokens: [storedToken('second', 'cs_second')] })
  t.equal(await status('cs_second'), 404)
  t.equal(await status(token), 401, 'the first is revoked')
  files.write({ tokens: 'not a list' })
  t.equal(await status('cs_second'), 404, 'a broken file changes nothing')
  t.match(
    events.filter(({ kind }) => kind === 'error'),
    [{ message: /tokens\.json is not valid/ }],
  )
  t.notMatch(JSON.stringify(events), /not a list/)
  files.write({ tokens: [storedToken('second', 'cs_second', { tenant: 'gone' })] })
  t.equal(await status('cs_second'), 401, 'a token of an unknown tenant opens nothing')
})

t.test('a request is logged without its query, token and headers', async t => {
  const { ask, events } = await startServer(t)
  await ask('/nothing/secret-path?key=secret-query', { headers: { 'x-a': 'secret-header' } })
  await until(() => events.length > 0, { every: 5, timeout: 60_000 })
  t.match(events, [
    {
      kind: 'request',
      method: 'GET',
      route: 'none',
      status: 404,
      token: 'default',
      tenant: 'main',
    },
  ])
  t.notMatch(JSON.stringify(events), /secret|cs_the/)
})

t.test('malformed and oversized requests are answered', async t => {
  const { raw } = await startServer(t)
  t.match(await raw('nonsense\r\n\r\n'), /^HTTP\/1.1 400 .*{"detail":"Bad Request"}/s)
  const head = 'GET /health HTTP/1.1\r\nhost: localhost\r\n'
  t.match(await raw(`${head}x: ${'x'.repeat(40_000)}\r\n\r\n`), /^HTTP\/1.1 431 /)
  t.match(await raw(`${head}x: a\rb: c\r\n\r\n`), /^HTTP\/1.1 400 /)
})

t.test('a thousand idle connections leave room for a client', async t => {
  const { ask, port } = await startServer(t, { limits: { idleConnections: 100, connections: 200 } })
  const sockets = await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      await Promise.race([once(socket, 'connect'), once(socket, 'close')])
      return socket
    }),
  )
  t.match(await ask('/health'), { status: 200 })
  const left = () => sockets.filter(({ destroyed }) => !destroyed).length
  t.ok(await until(() => left() <= 100, { every: 20, timeout: 60_000 }), 'the oldest were closed')
  for (const socket of sockets) socket.destroy()
})

t.test('a token has a number of requests in a second', async t => {
  const { ask } = await startServer(t, { limits: { requestsPerSecond: 3 } })
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask('/health')))
  const refused = answers.filter(({ status }) => status === 429)
  t.ok(refused.length > 0)
  t.match(refused[0], { body: { detail: 'too many requests, retry later' } })
  t.ok(Number(refused[0]?.headers['retry-after']) >= 1)
})

t.test('a token has a number of runs in a minute, apart from other requests', async t => {
  const { ask } = await startServer(t, {
    limits: { runsPerMinute: 2 },
    tokens: [storedToken('default', token), storedToken('other', 'cs_other')],
  })
  const run = (bearer = token) => ask('/run', { method: 'POST', body: {}, bearer })
  for (const status of [422, 422, 429, 429]) t.equal((await run()).status, status)
  t.equal((await run('cs_other')).status, 422, 'each token has its own')
  t.equal((await ask('/docs')).status, 200)
  const { headers } = await run()
  t.ok(Number(headers['retry-after']) > 1)
})

t.test('a body that does not arrive is not waited for', async t => {
  const { port, ask } = await startServer(t, {
    limits: { receiveBodyMilliseconds: 3_000, bodiesBytes: 200_000, smallBodyBytes: 1_000 },
  })
  const large = Buffer.alloc(90_000, ' ')
  const send = () => ask('/run', { method: 'POST', body: large })
  const holds = async () => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.resume()
    const closed = new Promise<void>(resolve => socket.once('close', () => resolve()))
    socket.write(
      `POST /run HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n` +
        'content-type: application/json\r\ncontent-length: 90000\r\n\r\n{',
    )
    // Until the first has arrived, there is room for the second; and its time may be over by then.
    let refused = false
    while (!refused && !socket.destroyed) refused = (await send()).status === 503
    await closed
    return refused
  }
  t.ok(await until(holds, { every: 0, timeout: 60_000 }), 'it holds its bytes')
  t.equal((await send()).status, 422, 'its bytes are free')
})

t.test('large bodies of two tokens of a tenant leave room for those of another', async t => {
  const { port, ask } = await startServer(t, {
    limits: { bodiesBytes: 400_000, smallBodyBytes: 1_000 },
    tenants: [{ name: 'main' }, { name: 'other' }],
    tokens: [
      storedToken('one', token),
      storedToken('two', 'cs_two'),
      storedToken('other', 'cs_other', { tenant: 'other' }),
    ],
  })
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  t.teardown(() => socket.destroy())
  socket.write(
    `POST /run HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n` +
      'content-type: application/json\r\ncontent-length: 180000\r\n\r\n{',
  )
  const send = (bearer: string, bytes: number) =>
    ask('/run', { method: 'POST', body: Buffer.alloc(bytes, ' '), bearer })
  // Until the first has arrived, there is room for the second.
  const isRefused = async () => (await send('cs_two', 180_000)).status === 503
  t.equal(await until(isRefused, { every: 100, timeout: 60_000 }), true)
  t.equal((await send('cs_two', 90_000)).status, 422)
  t.equal((await send('cs_other', 180_000)).status, 422)
})
