/** A list that commands edit. */
export type EditedList = 'allowed_sites' | 'server_sites' | 'grantable_sites'

/** A name in the text of a squid.conf, with its position. */
export type ListEntry = {
  name: string
  until: string | undefined
  /** Index of the line, and the range of the name on it. */
  line: number
  start: number
  end: number
  /** True when its line holds nothing else. */
  alone: boolean
}

export type ListText = {
  entries: ListEntry[]
  /** Lines on which a directive of the list begins; `last` is the last line of the last directive. */
  begins: number[]
  last: number
}

/** Finds the names of one list, in a text that `parseAllowlist` accepted. */
export function findEntries(lines: readonly string[], list: EditedList): ListText {
  const entries: ListEntry[] = []
  const begins: number[] = []
  let last = -1
  let words = 0
  let ours = false
  let continued = false
  for (const [index, raw] of lines.entries()) {
    const line = raw.replace(/\r$/, '')
    const continues = line.endsWith('\\')
    const until = expiryOf(line) ?? undefined
    if (!continued) words = 0
    const found: ListEntry[] = []
    for (const { 0: word, index: start } of line.replace(/\\$/, ' ').matchAll(/\S+/g)) {
      if (word.startsWith('#')) break
      words += 1
      if (words === 1) ours = word === 'acl'
      if (words === 2) ours &&= word === list
      if (words === 2 && ours) begins.push(index)
      if (!ours || words <= 3 || word === '-n') continue
      const name = word.toLowerCase().replace(/\.$/, '')
      found.push({ name, until, line: index, start, end: start + word.length, alone: false })
    }
    if (ours && words >= 2) {
      last = index
      const [only, more] = found
      if (only && !more) only.alone = !continued && !continues
      entries.push(...found)
    }
    continued = continues
  }
  return { entries, begins, last }
}

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
