import { headerValue, meterHeader } from './meter-header.ts'

/** Beside the meter in a HEAD /: the run that the process works for from now on. */
export const runHeader = 'x-claude-secure-run'

/** Processes whose run is known. The agent can make up both; the oldest makes room. */
const most = 4096

/**
 * A process may serve one run after the other, and cannot change the header that it sends. So the runner
 * says before each run whose the requests of the process are from now on. As forgeable as the header.
 */
export function createRunNames(limit = most) {
  const runs = new Map<string, string>()
  return {
    /** Takes what a HEAD / says, if it says anything. */
    see(rawHeaders: readonly string[]) {
      const meter = headerValue(rawHeaders, meterHeader)
      const run = headerValue(rawHeaders, runHeader)
      if (meter === null || run === null) return
      runs.delete(meter)
      runs.set(meter, run)
      const [oldest] = runs.keys()
      if (runs.size > limit && oldest !== undefined) runs.delete(oldest)
    },
    of: (meter: string) => runs.get(meter) ?? meter,
  }
}
