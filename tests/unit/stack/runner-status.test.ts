import t from 'tap'
import { askRunner, parseStatus } from '../../../src/stack/runner-status.ts'

t.test('the number of runs is read from the status', async t => {
  t.equal(parseStatus('{"runs":[],"warm":[1],"landlock":true}\n'), 0)
  t.equal(parseStatus('{"runs":[{"runId":"a"},{"runId":"b"}]}'), 2)
})

t.test('an answer that is not a status is no answer', async t => {
  for (const text of ['', 'error', '{}', '{"runs":3}']) t.equal(parseStatus(text), null, text)
})

t.test('an engine that is not there is a runner that does not answer', async t => {
  t.equal(await askRunner({ socketPath: '/nonexistent' }, 'x'), null)
})
