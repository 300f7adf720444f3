import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { RunEngine } from '../../run/engine.ts'
import type { RunSummary } from '../../run/store/store.ts'
import type { RunStarter } from '../../tenants/run-starter.ts'
import { maySee } from '../../tenants/workspace.ts'
import { callerOf } from '../plugins/auth.ts'
import { apiState } from './run-answer.ts'

const mostRuns = 1_000

/** GET /status: the runs of the token's tenant in its workspaces, newest first. */
export function serveStatus(app: FastifyInstance, starter: RunStarter) {
  app.get('/status', async request => {
    const caller = callerOf(request)
    const all = await listed(starter.of(caller.tenant.name))
    const runs = all.filter(({ workspace }) => maySee(caller, workspace))
    const busy = runs.filter(({ endedAt }) => endedAt === null).map(({ workspace }) => workspace)
    return {
      busyWorkspaces: [...new Set(busy)].sort(),
      runs: runs.map(({ runId, workspace, state, startedAt, endedAt, owner }) => ({
        runId,
        workspace,
        status: apiState(state),
        startedAt,
        endedAt,
        token: owner,
      })),
    }
  })
}

async function listed(engine: RunEngine): Promise<RunSummary[]> {
  const all: RunSummary[] = []
  for (let after: string | undefined; all.length < mostRuns; ) {
    const { runs, next } = await engine.list({ ...(after !== undefined && { after }) })
    all.push(...runs)
    if (next === null) break
    after = next
    // The store reads a page at once: other tenants' requests are served in between (threat M6).
    await turn()
  }
  return all.slice(0, mostRuns)
}
