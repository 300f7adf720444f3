import t from 'tap'
import { ApiError, apiErrorHeaders, renderApiError } from '../../../src/gateway/api-error.ts'

t.test('an error has the form of the Messages API', async t => {
  t.equal(
    renderApiError('api_error', 'a "b"'),
    '{"type":"error","error":{"type":"api_error","message":"a \\"b\\""}}',
  )
})

t.test('an error states whether a client may retry, and by default it may not', async t => {
  t.equal(apiErrorHeaders(new ApiError(503, 'api_error', 'x'))['x-should-retry'], 'false')
  const passing = new ApiError(529, 'overloaded_error', 'x', { retry: true })
  t.equal(apiErrorHeaders(passing)['x-should-retry'], 'true')
})
