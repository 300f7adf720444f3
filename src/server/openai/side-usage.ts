import { dayOf } from '../../usage/day-files.ts'

type Counted = { runs: number; usd: number }

/** Counts the side calls of each token on the present day (UTC), since the server began. */
export function createSideUsage(now: () => Date) {
  const counts = new Map<string, Counted>()
  let day = ''

  /** Forgets yesterday. */
  function today() {
    const current = dayOf(now())
    if (current !== day) counts.clear()
    day = current
    return counts
  }

  return {
    of: (owner: string): Counted => today().get(owner) ?? { runs: 0, usd: 0 },
    add(owner: string, usd: number | null) {
      const { runs, usd: before } = today().get(owner) ?? { runs: 0, usd: 0 }
      counts.set(owner, { runs: runs + 1, usd: before + (usd ?? 0) })
    },
  }
}
export type SideUsage = ReturnType<typeof createSideUsage>
