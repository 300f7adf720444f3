import t from 'tap'
import { defaultLimits } from '../../../../src/gateway/http/limits.ts'
import { createUpstream, upstreamFailure } from '../../../../src/gateway/http/upstream.ts'

const upstream = createUpstream({
  origin: 'https://api.anthropic.com',
  proxy: 'http://egress:3128',
  limits: defaultLimits,
})
t.teardown(() => upstream.close())

const coded = (code: string, message = 'quoting sk-ant-secret') =>
  Object.assign(new Error(message), { code })

t.test('each failure has a message, a next step, and says whether to retry', async t => {
  const cases: [Error, number, RegExp, boolean][] = [
    [
      coded('UND_ERR_ABORTED', 'Proxy response (403) !== 200 when HTTP Tunneling'),
      502,
      /refused api\.anthropic\.com \(403\).*gateway_sites/,
      false,
    ],
    [
      coded('UND_ERR_ABORTED', 'Proxy response (503) !== 200 when HTTP Tunneling'),
      502,
      /\(503\).*logs proxy/,
      true,
    ],
    [coded('ECONNREFUSED'), 502, /egress:3128 does not answer.*run .status./, true],
    [coded('EAI_AGAIN'), 502, /egress:3128 does not answer/, true],
    [coded('SELF_SIGNED_CERT_IN_CHAIN'), 502, /certificate.*EXTRA_CA_CERTS/, false],
    [coded('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), 502, /EXTRA_CA_CERTS/, false],
    [coded('UND_ERR_CONNECT_TIMEOUT'), 502, /timed out/, true],
    [coded('UND_ERR_HEADERS_TIMEOUT'), 504, /did not answer in time/, true],
    [coded('ECONNRESET'), 502, /broke before it answered \(ECONNRESET\)/, true],
    [new Error('quoting sk-ant-secret'), 502, /no reason given/, true],
    [new Error('outer', { cause: coded('ECONNREFUSED') }), 502, /does not answer/, true],
    [new AggregateError([coded('ECONNREFUSED')]), 502, /does not answer/, true],
  ]
  for (const [error, status, message, retry] of cases) {
    const answer = upstreamFailure(error, upstream)
    t.equal(answer.status, status, error.message)
    t.match(answer.message, message)
    t.equal(answer.retry, retry, answer.message)
    t.notMatch(answer.message, 'sk-ant-secret')
  }
})
