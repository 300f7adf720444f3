import t from 'tap'
import type { RunEngine } from '../../../../src/run/engine.ts'
import type { RunEvent } from '../../../../src/run/result.ts'
import { waitForRun } from '../../../../src/server/mcp/run-wait.ts'

const question = { id: 'q1', questions: [], deadline: '2026-11-30T00:00:00Z' }
const at = '2026-11-30T00:00:00Z'

/** An engine whose run asks `question` until its events were read. */
function asking(): RunEngine {
  let isOver = false
  const engine: Pick<RunEngine, 'find' | 'result' | 'events'> = {
    find: async () => (isOver ? { endedAt: at } : { endedAt: null, question }) as never,
    result: async () => ({ runId: 'r' }) as never,
    async *events(): AsyncGenerator<RunEvent> {
      yield { kind: 'question', ...question, seq: 1, at }
      yield { kind: 'question-closed', id: question.id, outcome: 'answered', seq: 2, at }
      isOver = true
    },
  }
  return engine as RunEngine
}

const options = {
  seconds: 60,
  signal: new AbortController().signal,
  progress: { tell() {}, stop() {} },
}

t.test('an open question is what a wait ends with', async t => {
  t.match(await waitForRun(asking(), 'r', options), { kind: 'waiting', question: { id: 'q1' } })
  t.match(await waitForRun(asking(), 'r', { ...options, answered: 'q0' }), { kind: 'waiting' })
})

t.test(
  'a question that was answered is not asked again while the run takes its answer',
  async t => {
    t.match(await waitForRun(asking(), 'r', { ...options, answered: 'q1' }), { kind: 'ended' })
  },
)
