import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { request } from 'undici'
import type { Credential } from '../../../src/gateway/credential.ts'
import { createBedrockProvider } from '../../../src/gateway/provider/bedrock.ts'
import { aws, hosts } from '../../support/cloud-apis/secrets.ts'
import { createAuthority, issueCertificate } from '../../support/messages-api/certificate.ts'
import { startStandIn } from '../../support/messages-api/stand-in.ts'
import { startConnectProxy } from './connect-proxy.ts'
import { genuine, placeholder, startGateway, until } from './fixture.ts'

const keys: Credential = {
  kind: 'aws-key',
  accessKeyId: aws.accessKeyId,
  secret: aws.secretAccessKey,
  sessionToken: aws.sessionToken,
  placeholder,
}

/** A gateway for Bedrock in front of the stand-in, whose host name is in the signature. */
async function start(t: Test, credential: Credential = keys, dayBudgetUsd?: number) {
  const standIn = await startStandIn({ defaults: { text: 'from Bedrock' } })
  t.teardown(() => standIn.close())
  const gateway = await startGateway(t, {
    upstream: standIn.httpUrl,
    credential,
    ...(dayBudgetUsd !== undefined && { dayBudgetUsd }),
    provider: upstream =>
      createBedrockProvider({ upstream, region: aws.region, modelIds: new Map() }),
  })
  const post = async (body: object, path = '/v1/messages', headers: object = {}) => {
    const answer = await request(`${gateway.url}${path}`, {
      method: 'POST',
      headers: { ...genuine, ...headers },
      body: JSON.stringify(body),
    })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }
  return { standIn, gateway, post }
}

const ask = {
  model: 'claude-sonnet-4-5',
  max_tokens: 100,
  messages: [{ role: 'user', content: 'hi' }],
}

t.test('a stream is signed, and comes back as server-sent events', async t => {
  const { standIn, post } = await start(t)
  const { status, headers, text } = await post({ ...ask, stream: true }, '/v1/messages?beta=true', {
    'anthropic-beta': 'claude-code-20250219,oauth-2025-04-20',
  })
  t.equal(status, 200, text)
  t.match(headers['content-type'], 'text/event-stream')
  const events = text.trim().split('\n\n')
  t.match(events[0], /^event: message_start\ndata: \{"type":"message_start"/)
  t.match(events.at(-1), /^event: message_stop\ndata: \{/)
  t.match(text, '"text":"Bedrock"')
  const [seen] = standIn.requests
  t.equal(
    seen?.path,
    '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream',
  )
  t.match(JSON.parse(seen?.body ?? ''), {
    anthropic_version: 'bedrock-2023-05-31',
    anthropic_beta: ['claude-code-20250219'],
    max_tokens: 100,
  })
  t.notMatch(JSON.stringify(seen), /SENTINELaws|placeholder|x-api-key/, 'neither key is sent')
})

t.test('a whole answer and a count of tokens', async t => {
  const { standIn, post } = await start(t)
  const whole = await post(ask)
  t.match(JSON.parse(whole.text), { type: 'message', content: [{ text: 'from Bedrock' }] })
  t.match(standIn.requests[0]?.path, /%3A0\/invoke$/)
  const count = await post(ask, '/v1/messages/count_tokens')
  t.equal(count.status, 200, count.text)
  t.ok(JSON.parse(count.text).input_tokens > 0)
  t.match(standIn.requests[1]?.path, /^\/model\/anthropic\.claude-sonnet-4-5-.*\/count-tokens$/)
})

t.test('an API key of Bedrock is a bearer token', async t => {
  const { post } = await start(t, { kind: 'bearer', secret: aws.apiKey, placeholder })
  t.equal((await post(ask)).status, 200)
})

t.test('a wrong secret is refused by the recomputed signature', async t => {
  const { post } = await start(t, { ...keys, secret: 'another-secret-access-key' } as Credential)
  const { status, text } = await post(ask)
  t.equal(status, 403)
  t.match(JSON.parse(text), {
    type: 'error',
    error: { type: 'permission_error', message: /^Amazon Bedrock: SignatureDoesNotMatch/ },
  })
})

t.test('an exception inside a stream becomes an error event', async t => {
  const { post } = await start(t)
  const content = '[[error 429]]'
  const messages = [{ role: 'user', content }]
  const { status, text } = await post({ ...ask, messages, stream: true })
  t.equal(status, 200)
  t.match(text, /^event: error\ndata: \{"type":"error","error":\{"type":"rate_limit_error"/)
  const whole = await post({ ...ask, messages })
  t.equal(whole.status, 429)
  t.match(whole.text, 'rate_limit_error')
})

t.test('usage is counted and priced, and a budget holds', async t => {
  const { gateway, post } = await start(t, keys, 0.000001)
  t.equal((await post({ ...ask, stream: true })).status, 200)
  const folder = gateway.usageFolder
  const counted = await until(() => {
    const text = readdirSync(folder)
      .map(name => readFileSync(join(folder, name), 'utf8'))
      .join('\n')
    return text.includes('claude-sonnet-4-5') && text
  })
  t.match(counted, /"model":"claude-sonnet-4-5".*"uncounted":0,"unpriced":0/)
  t.match(counted, /"costUsd":0\.000/)
  const refused = await post(ask)
  t.equal(refused.status, 402)
  t.match(refused.text, 'budget')
})

t.test('no caller chooses another path, and no credential of another kind is sent', async t => {
  const { standIn, post } = await start(t)
  for (const model of ['../../x', 'a/../../invoke', 'a b', 'a?x=1', '', 'x'.repeat(201)]) {
    const { status } = await post({ ...ask, model })
    if (status === 200) t.fail(`${model} was served`)
  }
  for (const { path } of standIn.requests) t.match(path, /^\/model\/[^/?]+\/invoke$/)
  const other = await start(t, { kind: 'api-key', secret: 'sk-ant-api03-SENTINEL', placeholder })
  t.equal((await other.post(ask)).status, 503)
  t.equal(other.standIn.requests.length, 0)
})

t.test('it leaves through the proxy, by the one name of the region', async t => {
  const authority = createAuthority()
  const tls = issueCertificate(authority, [hosts.bedrock])
  const standIn = await startStandIn({ tls })
  t.teardown(() => standIn.close())
  const proxy = await startConnectProxy(t, { target: standIn.httpsUrl })
  const { url } = await startGateway(t, {
    upstream: `https://${hosts.bedrock}`,
    proxy: proxy.url,
    credential: keys,
    provider: upstream =>
      createBedrockProvider({ upstream, region: aws.region, modelIds: new Map() }),
  })
  const { statusCode } = await request(`${url}/v1/messages`, {
    method: 'POST',
    headers: genuine,
    body: JSON.stringify(ask),
  })
  t.equal(statusCode, 502, 'its certificate is not trusted here')
  t.same(proxy.asked, [`${hosts.bedrock}:443`])
})
