import t, { type Test } from 'tap'
import { request } from 'undici'
import type { Credential } from '../../../src/gateway/credential.ts'
import { defaultLimits } from '../../../src/gateway/http/limits.ts'
import { createUpstream } from '../../../src/gateway/http/upstream.ts'
import { createVertexProvider } from '../../../src/gateway/provider/vertex.ts'
import { google } from '../../support/cloud-apis/secrets.ts'
import { startStandIn } from '../../support/messages-api/stand-in.ts'
import { genuine, placeholder, startGateway, startOrigin } from './fixture.ts'

const account: Credential = {
  kind: 'google-key',
  clientEmail: google.clientEmail,
  secret: google.privateKey,
  placeholder,
}

async function start(t: Test, credential: Credential = account, tokenUrl?: string) {
  const standIn = await startStandIn({ defaults: { text: 'from Vertex' } })
  t.teardown(() => standIn.close())
  const tokens = createUpstream({
    origin: tokenUrl ?? standIn.httpUrl,
    proxy: '',
    limits: defaultLimits,
  })
  const gateway = await startGateway(t, {
    upstream: standIn.httpUrl,
    credential,
    provider: upstream =>
      createVertexProvider({
        ...{ upstream, tokens, region: google.region, project: google.project },
        modelIds: new Map([['claude-opus-5-5', 'claude-opus-5-5@20261101']]),
      }),
  })
  const post = async (body: object, path = '/v1/messages') => {
    const answer = await request(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { ...genuine, 'anthropic-beta': 'oauth-2025-04-20,context-1m-2025-08-07' },
      body: JSON.stringify(body),
    })
    return { status: answer.statusCode, text: await answer.body.text() }
  }
  return { standIn, gateway, post }
}

const ask = {
  model: 'claude-haiku-4-5-20251001',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'hi' }],
}
const models = `/v1/projects/${google.project}/locations/${google.region}/publishers/anthropic/models`

t.test('a stream is authorized by a token for the service account', async t => {
  const { standIn, post } = await start(t)
  const { status, text } = await post({ ...ask, stream: true })
  t.equal(status, 200, text)
  t.match(text, /^event: message_start\n[\s\S]*"text":"Vertex"/)
  t.same(
    standIn.requests.map(({ path }) => decodeURIComponent(path)),
    ['/token', `${models}/claude-haiku-4-5@20251001:streamRawPredict`],
  )
  const [, seen] = standIn.requests
  t.match(JSON.parse(seen?.body ?? ''), { anthropic_version: 'vertex-2023-10-16', stream: true })
  const headers = seen?.rawHeaders.join('\n') ?? ''
  t.match(headers, 'context-1m-2025-08-07')
  t.notMatch(headers, /oauth-2025|placeholder/)
  t.notMatch(JSON.stringify(standIn.requests), /PRIVATE KEY/)
})

t.test('a token serves several requests; answers and counts keep their form', async t => {
  const { standIn, post } = await start(t)
  t.match(JSON.parse((await post(ask)).text), { content: [{ text: 'from Vertex' }] })
  const opus = await post({ ...ask, model: 'claude-opus-5-5' })
  t.equal(opus.status, 200)
  const count = await post(ask, '/v1/messages/count_tokens')
  t.ok(JSON.parse(count.text).input_tokens > 0, count.text)
  t.same(
    standIn.requests.map(({ path }) => decodeURIComponent(path)),
    [
      '/token',
      `${models}/claude-haiku-4-5@20251001:rawPredict`,
      `${models}/claude-opus-5-5@20261101:rawPredict`,
      `${models}/count-tokens:rawPredict`,
    ],
  )
})

t.test('an account that Google does not know gets no token, and no request goes out', async t => {
  const { standIn, post } = await start(t, {
    ...account,
    clientEmail: 'other@x.iam.gserviceaccount.com',
  })
  const { status, text } = await post(ask)
  t.equal(status, 502)
  t.match(text, /issued no access token \(status 400\).*GOOGLE_APPLICATION_CREDENTIALS/)
  t.same(
    standIn.requests.map(({ path }) => path),
    ['/token'],
  )
})

t.test('no caller chooses another path or method, and no token is asked for it', async t => {
  const { standIn, post } = await start(t)
  for (const model of ['../x', '../../google/models/x', 'x:predict', 'a/b', '..%2Fx', 'a b']) {
    for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
      const { status, text } = await post({ ...ask, model }, path)
      t.equal(status, 400, model)
      t.match(text, /is not a model/)
    }
  }
  t.strictSame(standIn.requests, [])
})

t.test('a rejected token is not used again', async t => {
  let issued = 0
  const tokenUrl = await startOrigin(t, (_request, response) => {
    issued++
    const access_token = issued === 1 ? 'expired-access-token' : google.accessToken
    response.end(JSON.stringify({ access_token, expires_in: 3599 }))
  })
  const { post } = await start(t, account, tokenUrl)
  const first = await post(ask)
  t.equal(first.status, 401)
  t.match(JSON.parse(first.text), { error: { message: 'Google Vertex AI: token' } })
  t.equal((await post(ask)).status, 200)
  t.equal(issued, 2)
})

t.test('the service for tokens is named when it does not answer', async t => {
  const { post } = await start(t, account, 'http://127.0.0.1:1')
  const { status, text } = await post(ask)
  t.equal(status, 502)
  t.match(text, /127\.0\.0\.1:1 does not answer/)
})
