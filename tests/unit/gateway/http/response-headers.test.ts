import t from 'tap'
import { callerHeaders } from '../../../../src/gateway/http/response-headers.ts'

t.test('what describes the content and what clients act on reaches the caller', async t => {
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

t.test('cookies, redirect targets and what belongs to the connection do not', async t => {
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
