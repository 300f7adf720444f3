import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { wholeTime } from '../timed-command.ts'

export const statusRow: Row = {
  id: 'P3',
  async measure({ status }, repetitions) {
    if (!status) return null
    const samples = await interleave(repetitions * 2, {
      ours: () => wholeTime(status.ours),
      baseline: () => wholeTime(status.baseline),
    })
    return [
      {
        row: 'P3',
        what: '`status --json`, against `docker compose ls`',
        unit: 'ms',
        ...samples,
        target: { kind: 'ratio-at-most', ratio: 1 },
      },
    ]
  },
}
