import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { wholeTime } from '../timed-command.ts'

/** From nothing running to a ready agent, against compose with the same files. */
export const startRow: Row = {
  id: 'P1',
  async measure({ start }, repetitions) {
    if (!start) return null
    const { ours, baseline, reset } = start
    const timed = (command: typeof ours) => async () => {
      const milliseconds = await wholeTime(command)
      await wholeTime(reset)
      return milliseconds
    }
    await wholeTime(reset)
    const samples = await interleave(repetitions, {
      ours: timed(ours),
      baseline: timed(baseline),
    })
    return [
      {
        row: 'P1',
        what: '`start --detach`, against `docker compose up -d --wait`',
        unit: 'ms',
        ...samples,
        target: { kind: 'ratio-at-most', ratio: 1.15 },
      },
    ]
  },
}
