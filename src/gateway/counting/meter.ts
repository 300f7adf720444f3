import { interactive } from '../../usage/entry.ts'

/**
 * The header by which a run's process names itself. It stays here: no list of passed headers has it.
 * Whoever can ask the gateway can forge it, so that it says who, and never how much.
 */
export const meterHeader = 'x-claude-secure-meter'

/** Whose request it is. A header that is not as we write it counts as none. */
export function meterOf(rawHeaders: readonly string[]): string {
  return headerValue(rawHeaders, meterHeader) ?? interactive
}

/** A name of ours, 16 hexadecimal digits; null where the header is not there once and so. */
export function headerValue(rawHeaders: readonly string[], name: string): string | null {
  const values = rawHeaders.filter(
    (_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name,
  )
  const [value = ''] = values
  return values.length === 1 && /^[0-9a-f]{16}$/.test(value) ? value : null
}

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
