import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import type { Command } from '../system.ts'
import { timeToScreen, wholeTime } from '../timed-command.ts'

/**
 * From the command line to a new session, in a running stack. Two figures: to the first byte, with
 * which tmux clears the screen, and to the first word that Claude Code itself draws.
 */
export const sessionRow: Row = {
  id: 'P2',
  async measure({ session }, repetitions) {
    if (!session) return null
    const { ours, baseline, reset, shows } = session
    const words: Record<'ours' | 'baseline', number[]> = { ours: [], baseline: [] }
    const timed = (name: keyof typeof words, command: Command) => async () => {
      const { times, finished } = timeToScreen(command, shows)
      const { firstByte, firstWord } = await times
      words[name].push(firstWord)
      await wholeTime(reset)
      await finished
      return firstByte
    }
    const bytes = await interleave(repetitions, {
      ours: timed('ours', ours),
      baseline: timed('baseline', baseline),
    })
    const common = {
      row: 'P2',
      unit: 'ms',
      target: { kind: 'ratio-at-most', ratio: 1.25 },
    } as const
    return [
      { ...common, what: '`start` to the first byte, against `docker exec -it`', ...bytes },
      {
        ...common,
        what: '`start` to the first word of Claude Code, against `docker exec -it`',
        // Without the warm-up round.
        ours: words.ours.slice(1),
        baseline: words.baseline.slice(1),
      },
    ]
  },
}
