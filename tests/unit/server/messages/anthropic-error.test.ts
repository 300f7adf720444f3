import type { IncomingMessage } from 'node:http'
import t from 'tap'
import {
  anthropicEnvelope,
  anthropicErrorOf,
  speaksAnthropic,
} from '../../../../src/server/messages/anthropic-error.ts'
import { HttpError, invalid } from '../../../../src/tenants/http-error.ts'

t.test('the path chooses the API, and for the models its header', async t => {
  const speaks = (url: string, headers = {}) => speaksAnthropic({ url, headers } as IncomingMessage)
  for (const path of ['/v1/messages', '/openai/v1/messages?beta=true', '/v1/messages/batches']) {
    t.ok(speaks(path), path)
  }
  for (const path of ['/v1/models', '/v1/messagesx', '/v1/chat/completions', '/run']) {
    t.notOk(speaks(path), path)
  }
  const headers = { 'anthropic-version': '2023-06-01' }
  t.ok(speaks('/v1/models', headers))
  t.notOk(speaks('/status', headers))
})

t.test('an error has the type of its status, and a used-up budget its own', async t => {
  const shown = (error: HttpError) => {
    const of = anthropicErrorOf(error)
    return [of.status, anthropicEnvelope(of).error.type]
  }
  for (const [status, expected, type] of [
    [400, 400, 'invalid_request_error'],
    [401, 401, 'authentication_error'],
    [402, 402, 'billing_error'],
    [409, 409, 'invalid_request_error'],
    [429, 429, 'rate_limit_error'],
    [503, 503, 'overloaded_error'],
    [507, 507, 'api_error'],
  ] as const) {
    t.same(shown(new HttpError(status, 'x')), [expected, type])
  }
  const spent = new HttpError(429, 'spent', { more: { code: 'insufficient_quota' } })
  t.same(shown(spent), [402, 'billing_error'])
  t.same(shown(invalid(['body'], 'x', 'y')), [400, 'invalid_request_error'])
  t.same(shown(new HttpError(400, 'workspace not found: x')), [404, 'not_found_error'])
})
