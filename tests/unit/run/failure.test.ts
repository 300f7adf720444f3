import t from 'tap'
import { failureOf, StoredFailure } from '../../../src/run/failure.ts'
import { shown } from '../../support/run/shown-failure.ts'

t.test('is_error decides, and nothing else', async t => {
  t.equal(failureOf({ is_error: false, subtype: 'error_max_turns' }), null)
  t.ok(failureOf({ is_error: true, subtype: 'success', result: 'fine' }))
  t.match(shown(failureOf({ subtype: 'success' })), { message: /does not say whether/ })
})

t.test('a missing login has a code of its own', async t => {
  const failure = failureOf({ is_error: true, result: 'Not logged in · Please run /login' })
  t.same(failure, { code: 'not-logged-in', words: 'Not logged in' })
  t.match(shown(failure), { hint: /\.env/ })
})

t.test('a run that gave up has a hint for its status', async t => {
  const gaveUp = { code: 'api-gave-up', words: 'x' } as const
  t.match(shown({ ...gaveUp, status: null }), { hint: /doctor/, apiErrorStatus: null })
  t.match(shown({ ...gaveUp, status: 429 }), { hint: /wait/, apiErrorStatus: 429 })
})

t.test('the gateway’s own errors point at the connection', async t => {
  const failure = failureOf({ is_error: true, api_error_status: 502, result: 'claude-secure: x' })
  t.match(shown(failure), { hint: /doctor/, apiErrorStatus: 502 })
})

t.test('a result of an earlier version keeps its message and status', async t => {
  const stored = { message: 'the model API answered 529', hint: 'later', apiErrorStatus: 529 }
  t.match(shown(StoredFailure.parse(stored)), {
    message: 'the model API answered 529',
    apiErrorStatus: 529,
  })
})
