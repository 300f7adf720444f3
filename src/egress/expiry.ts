/** Matches the comment behind a list's names that expires them, as proxy/expiry does. */
const marked = /[ \t](#)([ \t]*)(until)(?=[ \t:=]|$)(.*)$/i

/** UTC in one form, so that times compare as text. */
const time = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/

/**
 * Returns the expiry that a line of squid.conf sets for its names: `# until 2026-11-21T18:00:00Z`.
 * Undefined without one, null for one that it cannot read.
 */
export function expiryOf(line: string): string | null | undefined {
  if (/^[ \t]*#/.test(line)) return undefined
  const [, , , word, rest = ''] = marked.exec(line) ?? []
  if (word === undefined) return undefined
  const [end = ''] = rest.trim().split(/[ \t]+/)
  return word === 'until' && /^[ \t]/.test(rest) && time.test(end) ? end : null
}

/** Renders a date in the form that `expiryOf` reads. */
export function untilText(moment: Date): string {
  return `${moment.toISOString().slice(0, 19)}Z`
}

/** Returns whether an expiry has been reached; never for undefined. */
export function isOver(until: string | undefined, now: Date): boolean {
  return until !== undefined && until <= untilText(now)
}
