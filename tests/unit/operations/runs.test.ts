import t from 'tap'
import { findRun, waitingRuns } from '../../../src/operations/runs.ts'
import type { RunState, RunSummary } from '../../../src/run/store/store.ts'

const run = (runId: string, state: RunState): RunSummary => ({
  ...{ runId, state, workspace: '/workspace', startedAt: '2026-11-21T18:00:00Z', prompt: 'x' },
  ...{ model: null, owner: null, surface: 'cli', idempotencyKey: null, requestDigest: null },
  ...{ endedAt: null, sessionId: null, costUsd: null, error: null, question: null },
})

function stored(kept: RunSummary[]) {
  return {
    find: async (id: string) => kept.find(({ runId }) => runId === id) ?? null,
    list: async ({ limit = 200 } = {}) => ({ runs: kept.slice(0, limit), next: null }),
  }
}

const newest = run('00000000000000aa', 'running')
const asking = run('00000000000000bb', 'waiting')

t.test('a run is found by its id, otherwise the newest', async t => {
  const runs = stored([newest, asking])
  t.equal(await findRun(runs, asking.runId), asking)
  t.equal(await findRun(runs, undefined), newest)
  await t.rejects(findRun(runs, '\x1b[2Jx'), { message: /^there is no run [^\x1b]+$/, exitCode: 2 })
  await t.rejects(findRun(stored([]), undefined), {
    message: 'there are no stored runs of this folder',
  })
})

t.test('only runs with an open question wait', async t => {
  t.same(await waitingRuns(stored([newest, asking])), [asking])
})
