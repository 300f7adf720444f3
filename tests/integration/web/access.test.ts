import t from 'tap'
import { command } from '../../../src/base/command.ts'
import { UserError } from '../../../src/base/errors.ts'
import { page, startWeb, token, upgradeStatus } from './fixture.ts'

const stack = 'claude-secure-shop-0a1b2c3d'
const edit = { stack, name: 'registry.example.com', action: 'allow', here: true }

t.test('the page needs no token and holds none; each load has its own nonce', async t => {
  const { app, port } = await startWeb(t)
  const load = () => app.inject({ url: '/', headers: { host: `127.0.0.1:${port}` } })
  const [first, second] = [await load(), await load()]
  t.equal(first.statusCode, 200)
  const policy = String(first.headers['content-security-policy'])
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? ''
  t.equal(first.body, page.html.replace('{{nonce}}', nonce))
  t.not(first.body, second.body)
  t.match(policy, `connect-src 'self' ws://127.0.0.1:${port};`)
  t.notMatch(policy, /unsafe|\*|https?:|data:|blob:/)
  t.match(policy, /default-src 'none';.*script-src 'self';.*frame-ancestors 'none'/)
  t.notMatch(`${JSON.stringify(first.headers)}${first.body}`, token)
  for (const [url, type] of [
    ['/page.js', /javascript/],
    ['/page.css', /css/],
    ['/icon.svg', /svg/],
  ] as const) {
    const file = await app.inject({ url, headers: { host: `localhost:${port}` } })
    t.match(file.headers, { 'content-type': type, 'x-content-type-options': 'nosniff' })
  }
})

t.test('nothing else is served without the token, known or not', async t => {
  const { app, port, asked, origin } = await startWeb(t)
  const headers = { host: `127.0.0.1:${port}`, origin }
  for (const authorization of [undefined, 'Bearer', 'Bearer x', `Basic ${token}`, token]) {
    const more = authorization === undefined ? headers : { ...headers, authorization }
    for (const url of ['/api/policy', '/api/none', '/', '/../etc/passwd']) {
      const { statusCode } = await app.inject({ method: 'POST', url, headers: more, body: edit })
      t.equal(statusCode, 401, `${authorization} ${url}`)
    }
  }
  const inUrl = `/api/policy?token=${token}`
  t.equal(
    (await app.inject({ method: 'POST', url: inUrl, headers, body: edit })).statusCode,
    401,
    'a URL ends up in logs and histories',
  )
  t.same(asked, [])
})

t.test(
  'a request for another host, or of another website, is refused before its token',
  async t => {
    const { app, port, asked, origin } = await startWeb(t)
    const authorization = `Bearer ${token}`
    const own = `127.0.0.1:${port}`
    const hosts = [
      'evil.test',
      `evil.test:${port}`,
      '127.0.0.1',
      `127.0.0.1:${port + 1}`,
      `[::1]:${port}`,
    ]
    for (const host of [...hosts, `127.0.0.1.nip.io:${port}`, `x.localhost:${port}`, '']) {
      const headers = { host, origin: `http://${host}`, authorization }
      const answer = await app.inject({ method: 'POST', url: '/api/policy', headers, body: edit })
      t.equal(answer.statusCode, 403, host)
      t.equal((await app.inject({ url: '/', headers: { host } })).statusCode, 403, host)
    }
    const origins = ['http://evil.test', `http://127.0.0.1:${port + 1}`, `https://${own}`, 'null']
    for (const foreign of [...origins, `http://localhost:${port}`, `${origin}/`, undefined]) {
      const headers = { host: own, authorization, ...(foreign && { origin: foreign }) }
      const answer = await app.inject({ method: 'POST', url: '/api/policy', headers, body: edit })
      t.equal(answer.statusCode, 403, `${foreign}`)
    }
    t.same(asked, [])
  },
)

t.test('a malformed path is refused in the same order, and says nothing of the server', async t => {
  const { app, port, origin } = await startWeb(t)
  const own = { host: `127.0.0.1:${port}`, origin }
  const authorization = `Bearer ${token}`
  for (const [status, headers] of [
    [403, { ...own, host: `evil.test:${port}`, authorization }],
    [403, { ...own, origin: 'http://evil.test', authorization }],
    [401, own],
    [400, { ...own, authorization }],
  ] as const) {
    const answer = await app.inject({ method: 'POST', url: '/%', headers })
    t.equal(answer.statusCode, status)
    t.match(answer.headers, { 'x-content-type-options': 'nosniff' })
    t.same(Object.keys(answer.json()), ['error', 'hint'])
  }
})

t.test('a form of another website cannot be sent: only JSON is read', async t => {
  const { app, port, asked, origin } = await startWeb(t)
  const headers = { host: `127.0.0.1:${port}`, origin, authorization: `Bearer ${token}` }
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const body = JSON.stringify(edit)
    const more = { ...headers, 'content-type': type }
    const answer = await app.inject({ method: 'POST', url: '/api/policy', headers: more, body })
    t.equal(answer.statusCode, 415, type)
  }
  t.same(asked, [])
})

t.test('an action reaches its operation, and a refusal comes back on two lines', async t => {
  const { app, port, asked, state, origin } = await startWeb(t)
  const headers = { host: `localhost:${port}`, origin: `http://localhost:${port}` }
  const post = (url: string, body: object) =>
    app.inject({
      method: 'POST',
      url,
      headers: { ...headers, authorization: `Bearer ${token}` },
      body,
    })
  t.ok(origin)
  t.same((await post('/api/policy', edit)).json(), { notices: state.notices })
  t.same(asked, [edit])
  state.refuse = new UserError('x.\u001b[31mgithub.io is shared', {
    hint: `run ${command('allow --force')}`,
  })
  const refused = await post('/api/policy', edit)
  t.equal(refused.statusCode, 422)
  t.same(refused.json(), {
    error: 'x.github.io is shared',
    hint: 'run ./claude.ts allow --force',
  })
  state.refuse = new Error('ENOENT /root/.local/state/secret')
  const failed = await post('/api/policy', edit)
  t.match(failed, { statusCode: 500, body: '{"error":"Internal Server Error","hint":null}' })
  for (const body of [
    { ...edit, more: 1 },
    { ...edit, stack: '../x' },
    { ...edit, name: '' },
  ]) {
    t.equal((await post('/api/policy', body)).statusCode, 400)
  }
  t.equal((await post('/api/policy', { ...edit, name: 'x'.repeat(300_000) })).statusCode, 413)
})

t.test('a websocket of another website, or without the token, is refused', async t => {
  const { socket, port, terminals } = await startWeb(t)
  const live = `/live`
  const terminal = `/terminal?stack=${stack}&columns=80&rows=24`
  for (const path of [live, terminal]) {
    const refused = {
      'another website': [403, socket(path, { origin: 'http://evil.test' })],
      'another port': [403, socket(path, { origin: `http://127.0.0.1:${port + 1}` })],
      'no origin': [403, socket(path, { origin: undefined as unknown as string })],
      'another host': [403, socket(path, { headers: { host: `evil.test:${port}` } })],
      'a name that leads here': [
        403,
        socket(path, {
          origin: `http://evil.test:${port}`,
          headers: { host: `evil.test:${port}` },
        }),
      ],
      'no token': [401, socket(path, { protocols: ['claude-secure'] })],
      'a wrong token': [401, socket(path, { protocols: ['claude-secure', 'token.x'] })],
      'a token first': [401, socket(path, { protocols: [`token.${token}`, 'claude-secure'] })],
      'a token as a header alone': [
        401,
        socket(path, { protocols: [], headers: { authorization: `Bearer ${token}` } }),
      ],
      'a token in the URL': [
        401,
        socket(`${path}${path === live ? '?' : '&'}token=${token}`, { protocols: [] }),
      ],
    } as const
    for (const [what, [status, client]] of Object.entries(refused)) {
      t.equal(await upgradeStatus(client), status, `${path}: ${what}`)
    }
    t.equal(await upgradeStatus(socket(path)), 101, path)
  }
  t.equal(await upgradeStatus(socket('/none')), 404)
  t.equal(await upgradeStatus(socket('/terminal?stack=..&columns=80&rows=24')), 400)
  t.equal(await upgradeStatus(socket(`/terminal?stack=${stack}&columns=0&rows=1e9`)), 400)
  t.equal(terminals.length, 1)
})

t.test('websockets are bounded in number', async t => {
  const { socket } = await startWeb(t, { limits: { sockets: 2 } })
  t.equal(await upgradeStatus(socket('/live')), 101)
  t.equal(await upgradeStatus(socket('/live')), 101)
  t.equal(await upgradeStatus(socket('/live')), 503)
})

t.test('a review sends the commit that the user saw, and nothing that is malformed', async t => {
  const { app, port, asked, origin } = await startWeb(t)
  const post = (url: string, body: object) =>
    app.inject({
      method: 'POST',
      url,
      headers: { host: `127.0.0.1:${port}`, origin, authorization: `Bearer ${token}` },
      body,
    })
  const tip = 'a'.repeat(40)
  const push = { action: 'push', stack, tip, branch: 'claude/x' }
  t.same((await post('/api/review', push)).json(), { notices: ['origin, claude/x: created'] })
  t.same(asked, [push])
  for (const body of [
    { ...push, tip: 'HEAD' },
    { ...push, tip: `${tip}^` },
    { ...push, tip: null },
    { ...push, branch: '' },
    { ...push, force: true },
    { action: 'pull-request', stack, tip, title: '', body: '' },
    { action: 'comment', stack, id: null, text: '' },
    { action: 'comment', stack, id: null, text: 'x'.repeat(20_001) },
    { action: 'merge', stack },
  ]) {
    t.equal((await post('/api/review', body)).statusCode, 400, JSON.stringify(body).slice(0, 80))
  }
  t.equal((await post('/api/commit', { stack, id: '--output=x' })).statusCode, 400)
  t.equal((await post('/api/commit', { stack, id: tip })).statusCode, 422)
  t.equal(asked.length, 1)
})
