import t from 'tap'
import { failureOf, gaveUp } from '../../../src/run/failure.ts'

t.test('is_error decides, and nothing else', async t => {
  t.equal(failureOf({ is_error: false, subtype: 'error_max_turns' }), null)
  t.ok(failureOf({ is_error: true, subtype: 'success', result: 'fine' }))
  t.match(failureOf({ subtype: 'success' }), { message: /without a verdict/ })
})

t.test('a login that is missing is told as such', async t => {
  t.match(failureOf({ is_error: true, result: 'Not logged in · Please run /login' }), {
    hint: /\.env/,
  })
})

t.test('a run that was given up has a hint for its status', async t => {
  t.match(gaveUp('x', null), { hint: /doctor/, apiErrorStatus: null })
  t.match(gaveUp('x', 429), { hint: /wait/, apiErrorStatus: 429 })
})
