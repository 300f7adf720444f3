import type { Figure } from '../figure.ts'
import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { startCommitSession } from '../session-commits.ts'

const files = { few: 1_000, many: 50_000 }

/** A commit in a session's container, until a person sees it; in a large repository beside a small one. */
export const commitsRow: Row = {
  id: 'P18',
  async measure({ sessions }, repetitions) {
    if (!sessions) return null
    const few = await startCommitSession(sessions.cli, files.few)
    try {
      const many = await startCommitSession(sessions.cli, files.many)
      try {
        const pair = (measure: 'toTerminal' | 'toPage' | 'list' | 'sent') =>
          interleave(repetitions, { ours: many[measure], baseline: few[measure] })
        const size = `a repository of ${files.many.toLocaleString('en')} files, against ${files.few.toLocaleString('en')}`
        const figure = (what: string, samples: Pick<Figure, 'ours' | 'baseline'>): Figure => ({
          ...{ row: 'P18', what: `${what}: ${size}`, unit: 'ms', ...samples },
          target: { kind: 'at-most', limit: 2_000 },
        })
        return [
          // What is sent is counted while nothing else fetches it.
          {
            ...{ row: 'P18', what: `what the container sends for a commit: ${size}`, unit: 'kB' },
            ...(await pair('sent')),
            target: { kind: 'ratio-at-most', ratio: 2 },
          },
          figure('`session list --json` that fetches a commit', await pair('list')),
          figure('from a commit to the terminal', await pair('toTerminal')),
          figure('from a commit to the page', await pair('toPage')),
        ]
      } finally {
        await many.close()
      }
    } finally {
      await few.close()
    }
  },
}
