import t from 'tap'
import { request } from 'undici'
import { renderCommands } from '../../../src/base/command.ts'
import { createAuthority, issueCertificate } from '../../support/messages-api/certificate.ts'
import { startStandIn } from '../../support/messages-api/stand-in.ts'
import { startConnectProxy } from './connect-proxy.ts'
import { genuine, startGateway } from './fixture.ts'

// A name that cannot be resolved: it works only if the proxy alone is asked for it.
const upstream = 'https://api.anthropic.invalid'

async function post(url: string) {
  const answer = await request(`${url}/v1/messages`, {
    method: 'POST',
    headers: genuine,
    body: '{}',
  })
  return {
    status: answer.statusCode,
    retry: answer.headers['x-should-retry'],
    text: await answer.body.text(),
  }
}

t.test('a proxy that refuses is told apart, with the place to look', async t => {
  const proxy = await startConnectProxy(t, { answer: 'refuse' })
  const { url, events } = await startGateway(t, { upstream, proxy: proxy.url })
  const { status, retry, text } = await post(url)
  t.equal(status, 502)
  t.match(text, /"type":"api_error"/)
  t.match(text, /proxy refused api\.anthropic\.invalid \(403\).*gateway_sites.*logs proxy/)
  t.equal(retry, 'false')
  // The second time for the reason.
  t.strictSame(proxy.asked, Array(2).fill('api.anthropic.invalid:443'))
  t.match(events.at(-1), { status: 502, outcome: 'refused', reason: /refused/ })
})

t.test('the error names the true cause of a refusal', async t => {
  for (const [page, message, retry] of [
    ['REFUSED_UNRESOLVED', /the name api\.anthropic\.invalid does not resolve.*PROXY_DNS/, 'true'],
    ['REFUSED_ADDRESS', /resolves to a private or reserved address/, 'false'],
    ['REFUSED_NAME', /does not list api\.anthropic\.invalid \(407\).*gateway_sites/, 'false'],
    ['REFUSED_LOAD', /too many connections/, 'true'],
    ['REFUSED_OTHER', /refused api\.anthropic\.invalid \(407\)/, 'false'],
  ] as const) {
    const proxy = await startConnectProxy(t, { answer: 'refuse', page })
    const { url } = await startGateway(t, { upstream, proxy: proxy.url })
    const answer = await post(url)
    t.match(answer.text, message)
    t.equal(answer.retry, retry, page)
    if (page === 'REFUSED_UNRESOLVED') t.notMatch(answer.text, /gateway_sites/)
  }
})

t.test('messages name commands as the user types them', async t => {
  const proxy = await startConnectProxy(t, { answer: 'refuse', page: 'REFUSED_LOAD' })
  const named = (text: string) => renderCommands(text, words => `"~/a b/claude.ts" ${words}`)
  const { url, events } = await startGateway(t, { upstream, proxy: proxy.url, named })
  const said = 'run "~/a b/claude.ts" logs proxy.'
  t.match(JSON.parse((await post(url)).text).error.message, said)
  t.match(events.at(-1), { kind: 'request', reason: new RegExp(said) })
})

t.test('a proxy that is down, or is silent, or hangs up, is worth another try', async t => {
  const limits = { connectMilliseconds: 500 }
  const silent = await startConnectProxy(t, { answer: 'silence' })
  const rude = await startConnectProxy(t, { answer: 'hang-up' })
  for (const [proxy, message] of [
    ['http://127.0.0.1:1', /egress proxy 127\.0\.0\.1:1 does not answer/],
    [silent.url, /in time/],
    [rude.url, /broke before it answered/],
  ] as const) {
    const { url } = await startGateway(t, { upstream, proxy, limits })
    const { status, retry, text } = await post(url)
    t.ok(status === 502 || status === 504, String(status))
    t.match(text, message)
    t.equal(retry, 'true')
  }
})

t.test('an origin with a certificate that nobody vouches for gets no credential', async t => {
  const tls = issueCertificate(createAuthority(), ['api.anthropic.invalid'])
  const standIn = await startStandIn({ tls })
  t.teardown(() => standIn.close())
  const proxy = await startConnectProxy(t, { target: standIn.httpsUrl })
  const { url } = await startGateway(t, { upstream, proxy: proxy.url })
  const { status, retry, text } = await post(url)
  t.equal(status, 502)
  t.match(text, /certificate of api\.anthropic\.invalid cannot be verified.*EXTRA_CA_CERTS/)
  t.equal(retry, 'false')
  t.equal(standIn.requests.length, 0)
})
