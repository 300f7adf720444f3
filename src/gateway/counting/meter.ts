import { interactive } from '../../usage/entry.ts'
import { headerValues } from '../http/headers.ts'

/**
 * The header in which a run's process sends its name. The gateway never forwards it: no list of passed
 * headers contains it. Any caller of the gateway can forge it, so it decides only whom usage is
 * attributed to, and never how much is counted.
 */
export const meterHeader = 'x-claude-secure-meter'

/** Returns the meter of a request. A malformed header counts as none. */
export function meterOf(rawHeaders: readonly string[]): string {
  return headerValue(rawHeaders, meterHeader) ?? interactive
}

/**
 * Returns a name of 16 hexadecimal digits; null unless the header is present exactly once and well
 * formed.
 */
export function headerValue(rawHeaders: readonly string[], name: string): string | null {
  const values = headerValues(rawHeaders, name)
  const [value = ''] = values
  return values.length === 1 && /^[0-9a-f]{16}$/.test(value) ? value : null
}

/** Names, beside the meter in a HEAD /, the run that the process serves next. */
export const runHeader = 'x-claude-secure-run'

/**
 * Maximum number of processes whose run is remembered. The agent can forge both names, so the oldest
 * entry is evicted.
 */
const maxNames = 4096

/**
 * Maps processes to runs. A process may serve one run after the other and cannot change the header
 * that it sends, so before each run the runner announces to which run the requests of the process
 * belong. This announcement is as forgeable as the header.
 */
export function createRunNames(limit = maxNames) {
  const runs = new Map<string, string>()
  return {
    /** Records the run that a HEAD / announces, if any. */
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
