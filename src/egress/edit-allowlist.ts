import { UserError } from '../base/errors.ts'
import { admits } from './allowlist.ts'
import { type EditedList, findEntries, type ListEntry, type ListText } from './list-entries.ts'
import { isOver } from './until.ts'

/** What is to hold: names that are open, up to a time or for good, and names that are not. */
export type AllowlistEdit = {
  list: EditedList
  allow: readonly string[]
  deny: readonly string[]
  /** When what is allowed ends. */
  until?: string
}

export type AllowlistChange = {
  kind: 'added' | 'changed' | 'kept' | 'removed' | 'absent'
  name: string
  list: EditedList
  until?: string
  /** Removed because its time was over, or because a wider name is there now. */
  why?: 'expired' | 'covered'
  /** It was to end, and has no end: it was allowed for good before. */
  endless?: true
  /** The wider name that admits it. */
  by?: string
}

/**
 * Edits the text of a squid.conf: comments, order and everything else stay. The same edit twice is the
 * same as once. Names whose time is over go on the way.
 */
export function editAllowlist(
  text: string,
  edit: AllowlistEdit,
  now: Date,
): { text: string; changes: AllowlistChange[] } {
  const changes: AllowlistChange[] = []
  let lines = text.split('\n')
  const say = (change: Omit<AllowlistChange, 'list'>) =>
    changes.push({ list: edit.list, ...change })

  for (const list of ['allowed_sites', 'server_sites'] as const) {
    const over = findEntries(lines, list).entries.filter(({ until }) => isOver(until, now))
    lines = withoutEntries(lines, list, over)
    for (const { name } of over) changes.push({ kind: 'removed', name, list, why: 'expired' })
  }
  for (const name of edit.allow) {
    const result = allowName(lines, name, edit)
    lines = result.lines
    result.changes.forEach(say)
  }
  for (const name of edit.deny) {
    const { entries } = findEntries(lines, edit.list)
    const same = entries.filter(entry => entry.name === name)
    const wider = entries.find(entry => entry.name !== name && admits(entry.name, name))
    if (wider) {
      throw new UserError(`${name} is admitted by ${wider.name}, which is listed`, {
        hint: `take that away, and list the names that you use: ./claude.ts deny ${wider.name}`,
      })
    }
    lines = withoutEntries(lines, edit.list, same)
    say({ kind: same.length > 0 ? 'removed' : 'absent', name })
  }
  return { text: lines.join('\n'), changes }
}

/** A time that compares as later than every other. */
const forGood = '~'
const lasts = ({ until }: { until?: string | undefined }) => until ?? forGood

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
  const enough = wider.find(entry => lasts(entry) >= lasts(edit))
  if (enough) return { lines, changes: [kept(enough)] }
  const exact = wider.find(entry => entry.name === `.${name}`)
  if (exact) throw oneOfTwo(name, exact)
  const longer = narrower.find(entry => lasts(entry) > lasts(edit))
  if (longer) throw oneOfTwo(name, longer)

  const [first] = same
  if (first && same.length === 1 && first.until === edit.until) {
    return { lines, changes: [kept(first)] }
  }
  const line = `acl ${list} dstdomain -n ${name}${edit.until ? ` # until ${edit.until}` : ''}`
  // In its place where it has a line of its own, and last of its list otherwise.
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

/** Squid takes a name and what admits it together only where nothing is lost with one of them. */
function oneOfTwo(name: string, other: ListEntry) {
  const end = other.until ? `until ${other.until}` : 'for good'
  return new UserError(`${name} and ${other.name}, listed ${end}, do not go together in one list`, {
    hint: `take that away first: ./claude.ts deny ${other.name}`,
  })
}

/** What somebody wrote behind a name, but for the time that was. */
function commentOf(line: string, { until }: AllowlistEdit) {
  const comment = /\s#\s*(?:until\s+\S+)?\s*(.*?)\s*$/.exec(line)?.[1]
  if (!comment) return ''
  return until ? ` ${comment}` : ` # ${comment}`
}

function endOf(line: string | undefined) {
  return line?.endsWith('\r') ? '\r' : ''
}

/** Takes names out; a line that held only one goes with it, unless the list would be gone with it. */
function withoutEntries(lines: readonly string[], list: EditedList, gone: readonly ListEntry[]) {
  const result = [...lines]
  const dropped = new Set<number>()
  const { begins }: ListText = findEntries(lines, list)
  // From the end, so that the places of the others stay true.
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
