import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { wholeTime } from '../timed-command.ts'

/** The startup time of every command of the control script. */
export const helpRow: Row = {
  id: 'P4',
  async measure({ help }, repetitions) {
    if (!help) return null
    const samples = await interleave(repetitions * 2, {
      ours: () => wholeTime(help.ours),
      baseline: () => wholeTime(help.baseline),
    })
    return [
      {
        row: 'P4',
        what: '`--help`, against `node -e 0`',
        unit: 'ms',
        ...samples,
        target: { kind: 'ratio-at-most', ratio: 2.5 },
      },
    ]
  },
}
