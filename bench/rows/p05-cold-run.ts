import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { wholeTime } from '../timed-command.ts'

/** `run` without a warm process, against the same prompt by docker and the bare program. */
export const coldRunRow: Row = {
  id: 'P5',
  async measure({ run }, repetitions) {
    if (!run) return null
    const timed = (command: typeof run.ours) => async () => {
      await wholeTime(run.reset)
      return wholeTime(command)
    }
    // The first run starts the worker.
    await wholeTime(run.ours)
    const samples = await interleave(repetitions, {
      ours: timed(run.ours),
      baseline: timed(run.baseline),
    })
    return [
      {
        row: 'P5',
        what: '`run "ping"` cold, against `docker exec … claude -p ping`',
        unit: 'ms',
        ...samples,
        target: { kind: 'ratio-at-most', ratio: 1.1 },
      },
    ]
  },
}
