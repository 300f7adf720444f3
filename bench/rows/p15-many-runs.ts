import type { Row } from '../row.ts'
import { runRuns } from '../run-probe.ts'

/** Eight runs in four workspaces, against eight bare programs at once. */
export const manyRunsRow: Row = {
  id: 'P15',
  async measure({ runs }, repetitions) {
    if (!runs) return null
    const { ours, baseline } = await runRuns(runs.container, {
      kind: 'many',
      prompt: '[[delay 20]][[say pong]]',
      repetitions,
      runs: 8,
      workspaces: runs.workspaces,
    })
    return [
      {
        row: 'P15',
        what: '8 runs over 4 workspaces through the runner, against 8 `claude -p` at once',
        unit: 'ms',
        ours: ours ?? [],
        baseline: baseline ?? null,
        target: { kind: 'ratio-at-most', ratio: 0.5 },
      },
    ]
  },
}
