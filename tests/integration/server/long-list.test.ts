import t from 'tap'
import type { RunEngine } from '../../../src/run/engine.ts'
import type { RunSummary } from '../../../src/run/store/store.ts'
import { startServer } from './fixture.ts'

const summary: RunSummary = {
  ...{ runId: '0123456789abcdef', workspace: '/workspaces/p', prompt: 'x', model: null },
  ...{ owner: 'default', surface: 'api', idempotencyKey: null, requestDigest: null },
  ...{ startedAt: '2026-11-29T00:00:00Z', endedAt: '2026-11-29T00:00:01Z', state: 'succeeded' },
  ...{ sessionId: null, costUsd: null, error: null, question: null },
}

t.test('other requests are served between the pages of a long list of runs', async t => {
  const pages = 5
  let read = 0
  let turns = 0
  const between: number[] = []
  const list: RunEngine['list'] = async () => {
    between.push(turns)
    setImmediate(() => {
      turns += 1
    })
    read += 1
    return { runs: [summary, summary], next: read < pages ? summary.runId : null }
  }
  const of = () => ({ list }) as unknown as RunEngine
  const { ask } = await startServer(t, {
    runs: { of, spentToday: () => ({ usd: 0, tokens: 0 }) },
  })
  const { status, body } = await ask('/status')
  t.equal(status, 200)
  t.equal((body as { runs: unknown[] }).runs.length, 2 * pages)
  t.same(between, [0, 1, 2, 3, 4], 'each page had a turn of the event loop of its own')
})
