import { settled, withNames } from '../edit-list.ts'
import type { Row } from '../row.ts'
import { runProbe } from '../run-probe.ts'

/**
 * From saving an edit of the allowlist to the first tunnel that it opens, polled every few
 * milliseconds.
 */
export const editRow: Row = {
  id: 'G1',
  async measure({ probe, gate }, repetitions) {
    const name = gate?.route.tls?.name
    if (!probe || !gate || !name) return null
    const ours: number[] = []
    for (let i = 0; i < repetitions; i++) {
      const opened = runProbe(probe, {
        kind: 'opens',
        routes: { ours: gate.route },
        repetitions: 1,
      })
      // By then the probe polls, and is refused. The random delay hits a different phase of the
      // proxy's polling each time.
      await new Promise(resolve => setTimeout(resolve, 2_000 + Math.random() * 500))
      const milliseconds = await withNames(gate, [name], async saved => {
        const [moment = Number.NaN] = (await opened).ours
        return moment - saved
      })
      ours.push(milliseconds)
      await settled()
    }
    return [
      {
        row: 'G1',
        what: 'allowlist: from saving an edit to the first tunnel it opens',
        unit: 'ms',
        ours,
        baseline: null,
        target: { kind: 'at-most', limit: 1_000 },
      },
    ]
  },
}
