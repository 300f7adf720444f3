import t from 'tap'
import { countActiveRuns, parseStatus } from '../../../src/stack/runner-status.ts'

t.test('each run of the status counts, and only a valid id is returned', async t => {
  t.same(parseStatus('{"runs":[],"warm":[1],"landlock":true}\n'), [])
  const runs = [{ runId: '0123456789abcdef' }, { runId: '\x1b[2J' }, 3]
  t.same(parseStatus(JSON.stringify({ runs })), ['0123456789abcdef', 'unknown', 'unknown'])
})

t.test('an answer that is not a status is no answer', async t => {
  for (const text of ['', 'error', '{}', '{"runs":3}']) t.equal(parseStatus(text), null, text)
})

t.test('an engine that is not there is a runner that does not answer', async t => {
  t.equal(await countActiveRuns({ socketPath: '/nonexistent' }, 'x'), null)
})
