import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { admits } from './allowlist.ts'
import {
  type EditedList,
  findEntries,
  isOver,
  type ListEntry,
  type ListText,
} from './list-entries.ts'

/** The result that an edit must reach: names that are allowed, for a time or permanently, and names that are not. */
export type AllowlistEdit = {
  list: EditedList
  allow: readonly string[]
  deny: readonly string[]
  /** When the allowed names expire. */
  until?: string
}

export type AllowlistChange = {
  kind: 'added' | 'changed' | 'kept' | 'removed' | 'absent'
  name: string
  list: EditedList
  until?: string
  /** Why it was removed: it expired, or a wider name covers it. */
  why?: 'expired' | 'covered'
  /** Set when the edit asked for an expiry but the name stays permanent, as it was before. */
  endless?: true
  /** The wider name that admits it. */
  by?: string
  /** Set for the folder's own list. */
  here?: true
  /** A port other than 443, `false` without TLS, and a private network: an entry of a grants file. */
  port?: number
  tls?: false
  range?: string
}

/**
 * Edits the text of a squid.conf and keeps comments, order and everything else. Idempotent. Also
 * removes expired names.
 */
export function editAllowlist(
  text: string,
  edit: AllowlistEdit,
  now: Date,
): { text: string; changes: AllowlistChange[] } {
  const changes: AllowlistChange[] = []
  let lines = text.split('\n')
  const record = (change: Omit<AllowlistChange, 'list'>) =>
    changes.push({ list: edit.list, ...change })

  for (const list of ['allowed_sites', 'server_sites', 'grantable_sites'] as const) {
    const over = findEntries(lines, list).entries.filter(({ until }) => isOver(until, now))
    lines = withoutEntries(lines, list, over)
    for (const { name } of over) changes.push({ kind: 'removed', name, list, why: 'expired' })
  }
  for (const name of edit.allow) {
    const result = allowName(lines, name, edit)
    lines = result.lines
    result.changes.forEach(record)
  }
  for (const name of edit.deny) {
    const { entries } = findEntries(lines, edit.list)
    const same = entries.filter(entry => entry.name === name)
    const wider = entries.find(entry => entry.name !== name && admits(entry.name, name))
    if (wider) {
      throw new UserError(`cannot deny ${name}: the listed ${wider.name} admits it`, {
        hint: `run ${command(`deny ${wider.name}`)}, then allow only the names that you use`,
      })
    }
    lines = withoutEntries(lines, edit.list, same)
    record({ kind: same.length > 0 ? 'removed' : 'absent', name })
  }
  return { text: lines.join('\n'), changes }
}

/** Compares as later than every time. */
const permanently = '~'
const lasts = ({ until }: { until?: string | undefined }) => until ?? permanently

function allowName(lines: string[], name: string, edit: AllowlistEdit) {
  const { list } = edit
  const until = edit.until ? { until: edit.until } : {}
  const found = findEntries(lines, list)
  const same = found.entries.filter(entry => entry.name === name)
  const wider = found.entries.filter(entry => entry.name !== name && admits(entry.name, name))
  const narrower = found.entries.filter(entry => entry.name !== name && admits(name, entry.name))
  const kept = (entry: ListEntry) => ({
    kind: 'kept' as const,
    name,
    ...(entry.until && { until: entry.until }),
    ...(entry.name !== name && { by: entry.name }),
  })

  const permanent = same.find(entry => !entry.until)
  if (permanent) {
    return {
      lines,
      changes: [{ ...kept(permanent), ...(edit.until && { endless: true as const }) }],
    }
  }
  const covering = wider.find(entry => lasts(entry) >= lasts(edit))
  if (covering) return { lines, changes: [kept(covering)] }
  const exact = wider.find(entry => entry.name === `.${name}`)
  if (exact) throw overlap(name, exact)
  const longer = narrower.find(entry => lasts(entry) > lasts(edit))
  if (longer) throw overlap(name, longer)

  const [first] = same
  if (first && same.length === 1 && first.until === edit.until) {
    return { lines, changes: [kept(first)] }
  }
  const line = `acl ${list} dstdomain -n ${name}${edit.until ? ` # until ${edit.until}` : ''}`
  // Edits the entry in place where it has its own line, and appends to the list otherwise.
  if (first?.alone && same.length === 1 && narrower.length === 0) {
    const before = lines[first.line] ?? ''
    const changed = lines.with(first.line, line + commentOf(before, edit) + endOf(before))
    return { lines: changed, changes: [{ kind: 'changed' as const, name, ...until }] }
  }
  const cleared = withoutEntries(lines, list, [...same, ...narrower])
  const { last } = findEntries(cleared, list)
  const added = cleared.toSpliced(last + 1, 0, line + endOf(cleared[last]))
  return {
    lines: added,
    changes: [
      { kind: first ? ('changed' as const) : ('added' as const), name, ...until },
      ...narrower.map(entry => ({
        kind: 'removed' as const,
        name: entry.name,
        why: 'covered' as const,
        by: name,
      })),
    ],
  }
}

/** Squid refuses a list with a name and a wildcard that admits it, and dropping either would lose access. */
function overlap(name: string, other: ListEntry) {
  const end = other.until ? `until ${other.until}` : 'permanently'
  return new UserError(
    `${name} overlaps with ${other.name} (allowed ${end}): one list cannot hold both`,
    { hint: `run ${command(`deny ${other.name}`)} first` },
  )
}

/** Returns the user's comment behind a name, without the old expiry. */
function commentOf(line: string, { until }: AllowlistEdit) {
  const comment = /\s#\s*(?:until\s+\S+)?\s*(.*?)\s*$/.exec(line)?.[1]
  if (!comment) return ''
  return until ? ` ${comment}` : ` # ${comment}`
}

function endOf(line: string | undefined) {
  return line?.endsWith('\r') ? '\r' : ''
}

/** Removes names, and the line of a name that stood alone, unless it is the last line of the list. */
function withoutEntries(lines: readonly string[], list: EditedList, gone: readonly ListEntry[]) {
  const result = [...lines]
  const dropped = new Set<number>()
  const { begins }: ListText = findEntries(lines, list)
  // From the end, so that the positions of the others stay valid.
  for (const entry of gone.toSorted((a, b) => b.line - a.line || b.start - a.start)) {
    const text = result[entry.line] ?? ''
    const rest = text.slice(0, entry.start).trimEnd() + text.slice(entry.end)
    result[entry.line] = rest
  }
  for (const index of new Set(gone.map(({ line }) => line))) {
    const text = result[index] ?? ''
    const empty = new RegExp(`^\\s*acl\\s+${list}\\s+dstdomain(\\s+-n)?\\s*(#.*)?$`).test(text)
    if (!empty) continue
    if (begins.some(begin => begin !== index && !dropped.has(begin))) dropped.add(index)
    else result[index] = `acl ${list} dstdomain -n${endOf(text)}`
  }
  return result.filter((_, index) => !dropped.has(index))
}
