import type { Row } from '../row.ts'
import { runRuns } from '../run-probe.ts'

/** A run by a process of the warm pool, and the next turn of a session, against the bare program. */
export const warmRunRow: Row = {
  id: 'P6',
  async measure({ runs }, repetitions) {
    if (!runs) return null
    const { fresh, turn, cold } = await runRuns(runs.container, {
      kind: 'one',
      prompt: '[[delay 20]][[say pong]]',
      repetitions,
      workspaces: runs.workspaces,
    })
    const common = { row: 'P6', unit: 'ms', baseline: cold ?? null } as const
    return [
      {
        ...common,
        what: '`POST /run` to the runner, warm, against cold `claude -p`',
        ours: fresh ?? [],
        target: { kind: 'ratio-at-most', ratio: 0.35 },
      },
      {
        ...common,
        what: '`POST /run`, a later turn of its session, against cold `claude -p`',
        ours: turn ?? [],
        target: { kind: 'ratio-at-most', ratio: 0.15 },
      },
    ]
  },
}
