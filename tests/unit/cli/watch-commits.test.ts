import t from 'tap'
import { renderAlert } from '../../../src/cli/watch-commits.ts'

t.test('an alert rings and asks for a notification, and has no other sequence', async t => {
  t.equal(renderAlert('one: commit abc fix it'), '\u0007\u001b]9;one: commit abc fix it\u0007')
  const hostile = renderAlert('x\u0007\u001b]0;title\u0007\u001b\\\n\u009c\u202ey')
  t.equal(hostile, '\u0007\u001b]9;x y\u0007')
  t.ok(renderAlert('x'.repeat(5_000)).length < 200)
})
