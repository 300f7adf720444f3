import { parseAllowlist } from './allowlist.ts'
import { type AllowlistChange, editAllowlist } from './edit-allowlist.ts'
import { editGrants } from './edit-grants.ts'
import type { Grant } from './grants.ts'
import type { EditedList } from './list-entries.ts'

/** The files that a proxy enforces together: squid.conf, and the grants of the checkout and of the folder. */
export type PolicyFile = 'conf' | 'checkout' | 'here'
export type PolicyFiles = Record<PolicyFile, string>

/** Names to allow and to deny, in a list of squid.conf or in a grants file. */
export type PolicyEdit = {
  list: EditedList
  allow: readonly Grant[]
  /** With a port: only the grant for that port. */
  deny: readonly { name: string; port?: number | undefined }[]
  /** When the allowed names expire. */
  until?: string
  /** Edits the folder's own list. */
  here: boolean
}

/** Returns the files after an edit, and what changed. */
export function planEdit(files: PolicyFiles, edit: PolicyEdit, now: Date) {
  const { here, list } = edit
  const until = edit.until ? { until: edit.until } : {}
  const allow = edit.allow.map(grant => ({ ...grant, ...until }))
  if (here) {
    const { text, changes } = editGrants(files.here, { allow, deny: edit.deny, here }, now)
    return { files: { ...files, here: text }, changes: withoutAbsent(changes) }
  }
  const isGrant = ({ port, range }: Grant) => port !== 443 || range !== undefined
  const conf = editAllowlist(
    files.conf,
    {
      list,
      allow: allow.filter(grant => !isGrant(grant)).map(({ name }) => name),
      deny: edit.deny.filter(({ port = 443 }) => port === 443).map(({ name }) => name),
      ...until,
    },
    now,
  )
  parseAllowlist(conf.text)
  // Only the agent's list has grants with a port or a range.
  const grants =
    list !== 'allowed_sites'
      ? { text: files.checkout, changes: [] }
      : editGrants(files.checkout, { allow: allow.filter(isGrant), deny: edit.deny, here }, now)
  return {
    files: { ...files, conf: conf.text, checkout: grants.text },
    changes: withoutAbsent([...conf.changes, ...grants.changes]),
  }
}

/** Keeps one "was not allowed" for a name, and none for a name that was removed from another file. */
function withoutAbsent(changes: readonly AllowlistChange[]): AllowlistChange[] {
  return changes.filter(
    ({ kind, name }, index) =>
      kind !== 'absent' ||
      !changes.some(
        (other, place) =>
          other.name === name &&
          ((other.kind === 'removed' && !other.why) || (other.kind === 'absent' && place < index)),
      ),
  )
}
