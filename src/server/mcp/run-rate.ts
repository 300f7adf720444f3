/** Counts the runs that each token starts within a minute. */
export function createRunRate(perMinute: number, now: () => number = () => performance.now()) {
  const windows = new Map<string, { began: number; count: number }>()

  return {
    /** Counts one more run; false when there are too many. */
    take(token: string): boolean {
      const known = windows.get(token)
      const window = known && now() - known.began < 60_000 ? known : { began: now(), count: 0 }
      windows.set(token, window)
      if (window.count >= perMinute) return false
      window.count++
      return true
    },
  }
}
export type RunRate = ReturnType<typeof createRunRate>
