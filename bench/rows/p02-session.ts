import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { timeToScreen, wholeTime } from '../timed-command.ts'

/** From the command line to the first byte of a new session's screen, when the stack runs already. */
export const sessionRow: Row = {
  id: 'P2',
  async measure({ session }, repetitions) {
    if (!session) return null
    const { ours, baseline, reset } = session
    const timed = (command: typeof ours) => async () => {
      const { firstByte, finished } = timeToScreen(command)
      const milliseconds = await firstByte
      await wholeTime(reset)
      await finished
      return milliseconds
    }
    const samples = await interleave(repetitions, {
      ours: timed(ours),
      baseline: timed(baseline),
    })
    return [
      {
        row: 'P2',
        what: '`start` to the first byte of the screen, against `docker exec -it`',
        unit: 'ms',
        ...samples,
        target: { kind: 'ratio-at-most', ratio: 1.25 },
      },
    ]
  },
}
