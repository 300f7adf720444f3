import t from 'tap'
import { request } from 'undici'
import { startStandIn } from '../../support/messages-api/stand-in.ts'
import { apiKey, genuine, oauthToken, placeholder, sendRaw, startGateway } from './fixture.ts'

const standIn = await startStandIn({ defaults: { text: 'hello' } })
t.teardown(() => standIn.close())
const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }] })

t.test('the model routes answer, with and without parameters', async t => {
  const { url } = await startGateway(t, { upstream: standIn.httpUrl })
  const post = (path: string) => request(url + path, { method: 'POST', headers: genuine, body })
  const answer = await post('/v1/messages?beta=true')
  t.equal(answer.statusCode, 200)
  t.match(await answer.body.json(), { content: [{ type: 'text', text: 'hello' }] })
  t.equal(standIn.requests.at(-1)?.path, '/v1/messages?beta=true')
  const count = await post('/v1/messages/count_tokens')
  t.match(await count.body.json(), { input_tokens: Number })
  t.equal((await request(url, { method: 'HEAD' })).statusCode, 200)
})

t.test('every other request ends here, in the form of the API', async t => {
  const { port } = await startGateway(t, { upstream: standIn.httpUrl })
  const before = standIn.requests.length
  const lines = [
    ...['GET / HTTP/1.1', 'GET /v1/messages HTTP/1.1', 'PUT /v1/messages HTTP/1.1'],
    ...['DELETE /v1/messages HTTP/1.1', 'OPTIONS /v1/messages HTTP/1.1', 'TRACE / HTTP/1.1'],
    ...['HEAD /v1/messages HTTP/1.1', 'POST / HTTP/1.1', 'POST /v1/files HTTP/1.1'],
    ...['POST //v1/messages HTTP/1.1', 'POST /v1/messages/../files HTTP/1.1'],
    ...['POST /v1/messages/%2e%2e/files HTTP/1.1', 'POST /v1%2fmessages HTTP/1.1'],
    ...['POST /v1/%6dessages HTTP/1.1', 'POST /v1/messages/ HTTP/1.1'],
    ...['POST /v1/messages/batches HTTP/1.1', 'POST /v1/messages?x=%2f HTTP/1.1'],
    ...['POST http://api.anthropic.com/v1/messages HTTP/1.1', 'POST /% HTTP/1.1'],
    'POST http://gateway/v1/messages HTTP/1.1',
  ]
  for (const line of lines) {
    const answer = await sendRaw(
      port,
      `${line}\r\nHost: gateway\r\nx-api-key: ${placeholder}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
    )
    t.match(answer, /^HTTP\/1\.1 403 /, line)
    if (!line.startsWith('HEAD')) t.match(answer, /"type":"permission_error"/)
  }
  t.equal(standIn.requests.length, before, 'nothing of it was passed on')
})

t.test('a tunnel cannot be asked for', async t => {
  const { port } = await startGateway(t, { upstream: standIn.httpUrl })
  const host = 'api.anthropic.com:443'
  t.equal(await sendRaw(port, `CONNECT ${host} HTTP/1.1\r\nHost: ${host}\r\n\r\n`), '')
})

t.test('a foreign key never reaches the origin', async t => {
  const before = standIn.requests.length
  const foreign = 'sk-ant-api03-of-somebody-else'
  const byKey = await startGateway(t, { upstream: standIn.httpUrl, credential: apiKey })
  const byToken = await startGateway(t, { upstream: standIn.httpUrl, credential: oauthToken })
  const cases: [string, Record<string, string>, number][] = [
    [byKey.url, {}, 401],
    [byKey.url, { 'x-api-key': foreign }, 403],
    [byKey.url, { authorization: `Bearer ${foreign}` }, 403],
    [byKey.url, { authorization: `Bearer ${placeholder}` }, 403],
    [byKey.url, { 'x-api-key': placeholder, authorization: `Bearer ${foreign}` }, 403],
    [byKey.url, { 'x-api-key': apiKey.secret }, 403],
    [byToken.url, {}, 401],
    [byToken.url, { authorization: `Bearer ${foreign}` }, 403],
    [byToken.url, { 'x-api-key': placeholder }, 403],
    [byToken.url, { authorization: `Bearer ${placeholder}`, 'x-api-key': foreign }, 403],
  ]
  for (const [url, headers, status] of cases) {
    for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
      const answer = await request(url + path, { method: 'POST', headers, body })
      t.equal(answer.statusCode, status, `${path} ${Object.keys(headers)}`)
      t.match(await answer.body.json(), { type: 'error', error: { type: 'authentication_error' } })
    }
  }
  const twice = await sendRaw(
    byKey.port,
    `POST /v1/messages HTTP/1.1\r\nHost: g\r\nx-api-key: ${placeholder}\r\nX-API-Key: ${foreign}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
  )
  t.match(twice, /^HTTP\/1\.1 403 /)
  t.equal(standIn.requests.length, before)
})

t.test('a refused upload is read to its end, so that the refusal arrives', async t => {
  const { url } = await startGateway(t, { upstream: standIn.httpUrl })
  const answer = await request(`${url}/v1/files`, { method: 'POST', body: 'x'.repeat(8_000_000) })
  t.equal(answer.statusCode, 403)
  await answer.body.dump()
})

t.test('the origin sees the real credential and none of what the caller must not send', async t => {
  for (const credential of [apiKey, oauthToken]) {
    const { url } = await startGateway(t, { upstream: standIn.httpUrl, credential })
    const shown =
      credential.kind === 'api-key'
        ? { 'x-api-key': placeholder }
        : { authorization: `Bearer ${placeholder}` }
    const answer = await request(`${url}/v1/messages`, {
      method: 'POST',
      headers: {
        ...shown,
        cookie: 'a=b',
        'proxy-authorization': 'Basic eDp5',
        'x-forwarded-for': '10.0.0.1',
        'anthropic-version': '2023-06-01',
        'anthropic-beta': 'some-beta',
        'user-agent': 'claude-cli/9',
      },
      body,
    })
    await answer.body.dump()
    const seen = standIn.requests.at(-1)
    const text = seen?.rawHeaders.join('\n') ?? ''
    t.match(text, credential.secret)
    for (const absent of [placeholder, 'cookie', 'proxy-', 'x-forwarded']) t.notMatch(text, absent)
    t.match(text, /anthropic-version\n2023-06-01/)
    t.match(text, /user-agent\nclaude-cli\/9/)
    t.match(text, credential.kind === 'api-key' ? /some-beta\n/ : /some-beta,oauth-2025-04-20/)
    t.equal(seen?.host, new URL(standIn.httpUrl).host)
    t.equal(seen?.body, body)
  }
})
