import { type AllowlistChange, editAllowlist } from './edit-allowlist.ts'
import { type Grant, type GrantLine, isPlain, parseGrants, renderGrant } from './grants.ts'
import { findEntries, isOver } from './list-entries.ts'

/** The entries that a grants file must have afterwards, and those that it must not. */
export type GrantsEdit = {
  allow: readonly Grant[]
  /** Without a port: every entry of the name. */
  deny: readonly { name: string; port?: number | undefined }[]
  /** Whether the file is a folder's own, which also holds plain names. */
  here: boolean
}

/** A change, before the file that it is in is known. */
type Change = Omit<AllowlistChange, 'list'>

/** Edits the text of a grants file; keeps comments and every other entry. Removes expired entries. Idempotent. */
export function editGrants(
  text: string,
  edit: GrantsEdit,
  now: Date,
): { text: string; changes: AllowlistChange[] } {
  const all = parseGrants(text, 'grants.list')
  const changes: Change[] = []
  const gone = new Set<GrantLine>()
  const replaced = new Map<GrantLine, Grant>()
  const added: Grant[] = []
  for (const grant of all) {
    if (isPlain(grant) || !isOver(grant.until, now)) continue
    gone.add(grant)
    changes.push({ kind: 'removed', ...termsOf(grant), why: 'expired' })
  }
  const present = () => all.filter(grant => !gone.has(grant) && !isPlain(grant))
  for (const grant of edit.allow.filter(grant => !isPlain(grant))) {
    const same = present().filter(({ name, port }) => name === grant.name && port === grant.port)
    const [first, ...others] = same
    const until = grant.until ? { until: grant.until } : {}
    if (first && others.length === 0 && first.range === grant.range && first.tls === grant.tls) {
      if (first.until === grant.until) {
        changes.push({ kind: 'kept', ...termsOf(grant), ...until })
        continue
      }
      if (!first.until) {
        changes.push({ kind: 'kept', ...termsOf(grant), endless: true })
        continue
      }
    }
    for (const other of others) gone.add(other)
    if (first) replaced.set(first, grant)
    else added.push(grant)
    changes.push({ kind: first ? 'changed' : 'added', ...termsOf(grant), ...until })
  }
  for (const { name, port } of edit.deny) {
    const same = present().filter(
      grant => grant.name === name && (port === undefined || port === grant.port),
    )
    for (const grant of same) {
      gone.add(grant)
      changes.push({ kind: 'removed', ...termsOf(grant) })
    }
    if (same.length === 0 && (port !== undefined || !edit.here)) {
      changes.push({ kind: 'absent', name, ...(port && { port }) })
    }
  }
  const plain = edit.here ? editPlain(all.filter(isPlain), edit, now) : null
  const lines = text.split('\n').flatMap((line, index) => {
    const grant = all.find(candidate => candidate.line === index + 1)
    if (!grant) return [line]
    if (isPlain(grant)) return !plain || plain.names.delete(renderGrant(grant)) ? [line] : []
    const instead = replaced.get(grant)
    return gone.has(grant) ? [] : [instead ? renderGrant(instead) : line]
  })
  const more = [...(plain?.names ?? []), ...added.map(renderGrant)]
  if (more.length > 0) {
    if (lines.at(-1) === '') lines.pop()
    lines.push(...more, '')
  }
  const result = lines.join('\n')
  // Holds the limit, and proves that what was written can be read.
  parseGrants(result, 'grants.list')
  const where = edit.here ? { here: true as const } : {}
  return {
    text: result,
    changes: [...changes, ...(plain?.changes ?? [])].map(change => ({
      list: 'allowed_sites',
      ...change,
      ...where,
    })),
  }
}

/** Edits the plain names by the rules of squid.conf's lists, which know about wildcards and expiry. */
function editPlain(plain: readonly GrantLine[], edit: GrantsEdit, now: Date) {
  const list = 'acl allowed_sites dstdomain -n'
  const line = ({ name, until }: Grant) => `${list} ${name}${until ? ` # until ${until}` : ''}`
  let text = [list, ...plain.map(line)].join('\n')
  const changes: Change[] = []
  const apply = (allow: readonly string[], deny: readonly string[], until?: string) => {
    const result = editAllowlist(
      text,
      { list: 'allowed_sites', allow, deny, ...(until && { until }) },
      now,
    )
    text = result.text
    changes.push(...result.changes)
  }
  apply([], [])
  for (const { name, until } of edit.allow.filter(isPlain)) apply([name], [], until)
  apply(
    [],
    edit.deny.filter(({ port }) => port === undefined || port === 443).map(({ name }) => name),
  )
  const { entries } = findEntries(text.split('\n'), 'allowed_sites')
  const names = new Set(
    entries.map(({ name, until }) =>
      renderGrant({ name, port: 443, tls: true, ...(until && { until }) }),
    ),
  )
  return { names, changes }
}

function termsOf({ name, port, tls, range }: Grant) {
  return {
    name,
    ...(port !== 443 && { port }),
    ...(!tls && { tls: false as const }),
    ...(range && { range }),
  }
}
