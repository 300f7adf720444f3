import { member } from './contract-api.ts'
import type { ContractCase } from './contract-case.ts'

export const accessCases: readonly ContractCase[] = [
  {
    line: 'GET /health is open and answers {"status":"ok"}',
    claudebox: 'passes',
    async check(t, { send }) {
      const answer = await send('GET /health', { token: null })
      t.match(answer, { status: 200, headers: { 'content-type': /^application\/json/ } })
      t.same(answer.json, { status: 'ok' })
    },
  },
  {
    line: 'GET /health/ does not redirect to the host that the caller names',
    claudebox: { defect: 'redirects to the Host header' },
    async check(t, { send }) {
      const answer = await send('GET /health/', { token: null })
      t.notOk(answer.headers.location)
      t.notMatch(String(answer.status), /^3/)
    },
  },
  {
    line: 'every other route needs the token',
    claudebox: 'passes',
    async check(t, { send }) {
      for (const line of [
        ...['GET /status', 'GET /files', 'GET /files/x', 'PUT /files/x', 'DELETE /files/x'],
        ...['GET /run/result?runId=0', 'POST /run/cancel'],
      ]) {
        for (const token of [null, 'wrong', '']) {
          const answer = await send(line, { token })
          t.equal(answer.status, 401, `${line} with ${token}`)
          t.same(answer.json, { detail: 'unauthorized' })
        }
      }
    },
  },
  {
    line: 'the token comes before the body: a bad body without a token is 401',
    claudebox: { defect: '422 before 401' },
    async check(t, { send }) {
      for (const body of ['', '{', '{"workspace":3}', 'x'.repeat(100_000)]) {
        const headers = { 'content-type': 'application/json' }
        const answer = await send('POST /run', { token: null, headers, body })
        t.equal(answer.status, 401, body.slice(0, 20))
      }
    },
  },
  {
    line: 'no route of the documentation is open',
    claudebox: { defect: '/docs is open with a token set' },
    async check(t, { send }) {
      for (const path of ['/docs', '/openapi.json', '/redoc', '/metrics', '/nothing']) {
        t.equal((await send(`GET ${path}`, { token: null })).status, 401, path)
      }
    },
  },
  {
    line: 'a token in the URL is refused',
    claudebox: { defect: 'the token is accepted in the URL of /mcp/' },
    async check(t, { send, token }) {
      for (const path of ['GET /status', 'POST /mcp', 'POST /mcp/']) {
        for (const name of ['apiToken', 'token', 'api_token', 'access_token']) {
          const answer = await send(`${path}?${name}=${token}`, { token: null })
          t.equal(answer.status, 401, `${path} ${name}`)
        }
      }
    },
  },
  {
    line: 'an unknown path is 404 {"detail":"Not Found"}, another method 405',
    claudebox: 'passes',
    async check(t, { send }) {
      const unknown = await send('GET /nothing/here')
      t.equal(unknown.status, 404)
      t.same(unknown.json, { detail: 'Not Found' })
      for (const line of ['GET /run', 'POST /status', 'GET /run/cancel', 'PATCH /files/x']) {
        const answer = await send(line)
        t.equal(answer.status, 405, line)
        t.same(answer.json, { detail: 'Method Not Allowed' })
      }
    },
  },
  {
    line: 'another Host or a foreign Origin is refused',
    claudebox: { defect: 'a web page reaches the API by DNS rebinding' },
    async check(t, { send, host }) {
      for (const [name, value] of [
        ['host', 'evil.example'],
        ['host', `evil.example:${host.split(':')[1]}`],
        ['origin', 'https://evil.example'],
        ['origin', 'null'],
      ] as const) {
        const answer = await send('GET /status', { headers: { [name]: value } })
        t.equal(answer.status, 403, `${name} ${value}`)
        t.type(member(answer, 'detail'), 'string')
      }
      t.equal((await send('GET /status', { headers: { origin: `http://${host}` } })).status, 200)
    },
  },
]
