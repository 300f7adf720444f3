import t from 'tap'
import { callerHeaders, upstreamHeaders } from '../../../../src/gateway/http/headers.ts'

const placeholder = 'placeholder-placeholder'
const apiKey = { kind: 'api-key', secret: 'the-real-api-key', placeholder } as const
const oauth = { kind: 'oauth-token', secret: 'the-real-oauth-token', placeholder } as const

t.test("Claude Code's own headers pass, with the real credential in place", async t => {
  const headers = upstreamHeaders(
    [
      ...['Accept', 'application/json', 'Content-Type', 'application/json'],
      ...['User-Agent', 'claude-cli/2', 'X-Stainless-Lang', 'js', 'x-app', 'cli'],
      ...['X-Claude-Code-Session-Id', 'abc', 'anthropic-version', '2023-06-01'],
      ...['Content-Length', '12', 'X-Api-Key', placeholder],
    ],
    apiKey,
  )
  t.strictSame(headers, {
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': 'claude-cli/2',
    'x-stainless-lang': 'js',
    'x-app': 'cli',
    'x-claude-code-session-id': 'abc',
    'anthropic-version': '2023-06-01',
    'content-length': '12',
    'accept-encoding': 'identity',
    'x-api-key': 'the-real-api-key',
  })
})

t.test('no header passes that authenticates, is hop-by-hop or reveals the network', async t => {
  const names = [
    ...['Authorization', 'X-Api-Key', 'Cookie', 'Proxy-Authorization', 'Proxy-Connection'],
    ...['Connection', 'Keep-Alive', 'TE', 'Trailer', 'Transfer-Encoding', 'Upgrade', 'Expect'],
    ...['Host', 'Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Real-IP', 'Via'],
    ...['Origin', 'Referer', 'X-Evil', 'Content-Encoding'],
  ]
  const raw = names.flatMap(name => [name, 'x'])
  t.strictSame(upstreamHeaders(raw, apiKey), {
    'accept-encoding': 'identity',
    'x-api-key': 'the-real-api-key',
  })
})

t.test('a header that the caller declares as hop-by-hop does not pass', async t => {
  const raw = ['Connection', 'close, Anthropic-Evil', 'anthropic-evil', '1', 'anthropic-good', '2']
  t.strictSame(upstreamHeaders(raw, apiKey), {
    'accept-encoding': 'identity',
    'anthropic-good': '2',
    'x-api-key': 'the-real-api-key',
  })
})

t.test('an OAuth token is sent as a bearer token, with its beta once', async t => {
  const betas = (raw: string[]) => upstreamHeaders(raw, oauth)['anthropic-beta']
  t.equal(upstreamHeaders([], oauth).authorization, 'Bearer the-real-oauth-token')
  t.notOk('x-api-key' in upstreamHeaders(['x-api-key', placeholder], oauth))
  t.equal(betas([]), 'oauth-2025-04-20')
  t.equal(betas(['anthropic-beta', 'a,b']), 'a,b,oauth-2025-04-20')
  t.equal(betas(['anthropic-beta', 'oauth-2025-04-20, a']), 'a,oauth-2025-04-20')
  t.equal(betas(['anthropic-beta', 'a', 'Anthropic-Beta', 'b']), 'a,b,oauth-2025-04-20')
})

t.test('an API key adds no beta', async t => {
  t.notOk('anthropic-beta' in upstreamHeaders([], apiKey))
})

t.test(
  'answers are requested uncompressed, which alone can be counted, for any accept-encoding',
  async t => {
    const headers = upstreamHeaders(['Accept-Encoding', 'gzip, br'], apiKey)
    t.equal(headers['accept-encoding'], 'identity')
  },
)

t.test('headers that describe the content or steer clients reach the caller', async t => {
  const headers = {
    'content-type': 'text/event-stream',
    'content-encoding': 'gzip',
    'request-id': 'req_1',
    'retry-after': '3',
    'x-should-retry': 'false',
    'anthropic-ratelimit-tokens-remaining': '5',
  }
  t.strictSame(callerHeaders(headers), headers)
})

t.test('cookies, redirect targets and hop-by-hop headers do not', async t => {
  const headers = {
    'set-cookie': ['a=b'],
    location: 'https://evil.test/',
    connection: 'keep-alive',
    'keep-alive': 'timeout=5',
    'transfer-encoding': 'chunked',
    'x-api-key': 'echo',
    authorization: 'echo',
    server: 'x',
  }
  t.strictSame(callerHeaders(headers), {})
})
