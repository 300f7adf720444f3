import { isSameSecret, signRunName } from '../../base/run-placeholder.ts'
import { interactive } from '../../usage/entry.ts'
import type { Caller } from '../credential.ts'
import type { Identity } from '../http/caller.ts'
import { headerValues } from '../http/headers.ts'

/**
 * The header in which a process sends its name where no key signs it. Anything in the container can
 * forge it, so it decides only whom usage is attributed to, and never how much is counted. The gateway
 * never forwards it: no list of passed headers contains it.
 */
export const meterHeader = 'x-claude-secure-meter'

/** Names, beside the meter in a HEAD /, the run that the process serves next. */
export const runHeader = 'x-claude-secure-run'

/** Proves both, where there is a key: the time of the announcement and a signature. */
export const proofHeader = 'x-claude-secure-proof'

/**
 * Returns the meter of a request: the signed one, or that of the header if the caller has no key. A
 * malformed header counts as none.
 */
export function meterOf(rawHeaders: readonly string[], { caller, meter }: Identity): string {
  if (caller.meterKey !== undefined) return meter ?? interactive
  return headerValue(rawHeaders, meterHeader) ?? interactive
}

/** A process that announces the run it serves next. */
export type Announcement = { meter: string; run: string; proof: { at: number; mac: string } | null }

/** Reads the announcement in the headers of a HEAD /; null when there is none, or a malformed one. */
export function readAnnouncement(rawHeaders: readonly string[]): Announcement | null {
  const meter = headerValue(rawHeaders, meterHeader)
  const run = headerValue(rawHeaders, runHeader)
  if (meter === null || run === null) return null
  const [proof = '', ...more] = headerValues(rawHeaders, proofHeader)
  const [, at, mac] = (more.length === 0 && /^(\d{13})\.([\w-]{43})$/.exec(proof)) || []
  return { meter, run, proof: at && mac ? { at: Number(at), mac } : null }
}

/** Returns the caller whose key signed an announcement. One without a key takes every announcement. */
export function announcer(
  { meter, run, proof }: Announcement,
  callers: readonly Caller[],
): Caller | undefined {
  const [found] = callers.filter(({ placeholder, meterKey: key }) => {
    if (key === undefined) return true
    if (proof === null) return false
    return isSameSecret(proof.mac, signRunName({ placeholder, key }, { meter, run, at: proof.at }))
  })
  return found
}

/**
 * Returns a name of 16 hexadecimal digits; null unless the header is present exactly once and well
 * formed.
 */
function headerValue(rawHeaders: readonly string[], name: string): string | null {
  const values = headerValues(rawHeaders, name)
  const [value = ''] = values
  return values.length === 1 && /^[0-9a-f]{16}$/.test(value) ? value : null
}

/** Maximum number of processes whose run is remembered; the oldest entry is evicted. */
const maxNames = 4096

export type RunNames = ReturnType<typeof createRunNames>

/**
 * Maps processes to runs. A process may serve one run after the other and cannot change the placeholder
 * that it sends, so before each run the runner announces to which run its requests belong.
 *
 * @param options.since milliseconds; a signed announcement of an earlier time is a replay.
 */
export function createRunNames({ limit = maxNames, since = Date.now() } = {}) {
  const runs = new Map<string, { run: string; at: number }>()
  /** The latest time of all that is forgotten: a gateway that restarted must not take it again. */
  let forgotten = since
  return {
    /** Records an announcement whose signature is genuine. Returns false for a replay. */
    take({ meter, run, proof }: Announcement): boolean {
      const at = proof?.at ?? 0
      if (proof && at <= (runs.get(meter)?.at ?? forgotten)) return false
      runs.delete(meter)
      runs.set(meter, { run, at })
      const [oldest] = runs
      if (runs.size > limit && oldest) {
        const [name, entry] = oldest
        forgotten = Math.max(forgotten, entry.at)
        runs.delete(name)
      }
      return true
    },
    of: (meter: string) => runs.get(meter)?.run ?? meter,
  }
}
