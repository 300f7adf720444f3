/**
 * Shares a limit among callers, so that none can use up what the others need. Half of the limit is kept
 * for them in equal parts, as far as they do not use it; the other half goes to the first that asks.
 */
export function createShares(limit: number) {
  const taken = new Map<string, number>()
  let all = 0

  /** What must stay free for the others, of which some may not have come yet. */
  function keptFor(caller: string, callers: number, part: number): number {
    const others = [...taken].filter(([name]) => name !== caller).map(([, count]) => count)
    const absent = Math.max(0, callers - 1 - others.length)
    return others.reduce((sum, count) => sum + Math.max(0, part - count), absent * part)
  }

  return {
    /**
     * Takes one for a caller; false when none is left for it.
     *
     * @param callers number of callers that share the limit; 1 has all of it.
     */
    take(caller: string, callers: number): boolean {
      const own = taken.get(caller) ?? 0
      const part = Math.floor(limit / (2 * callers))
      const kept = callers === 1 || own < part ? 0 : keptFor(caller, callers, part)
      if (all + kept >= limit) return false
      taken.set(caller, own + 1)
      all++
      return true
    },
    /** Gives back what `take` took. */
    free(caller: string) {
      const own = taken.get(caller) ?? 0
      if (own > 1) taken.set(caller, own - 1)
      else taken.delete(caller)
      all--
    },
  }
}
