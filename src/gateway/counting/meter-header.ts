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
