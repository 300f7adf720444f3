import { posix } from 'node:path'
import { settleConcurrently } from '../../base/async.ts'
import { systemCode, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { foldersOf, notApplied, safeRelativePath, withHeldFolder } from '../../files/beneath.ts'
import type { Change } from './changes.ts'
import { type Entry, sameEntry } from './entry.ts'
import { readHostFolders, readHostState } from './host-state.ts'
import type { Step } from './journal.ts'

export type Plan = {
  /** The writes: each file before and after. */
  steps: Step[]
  /** Paths of the steps whose file also changed on the host, differently. */
  conflicts: Set<string>
  /** Changes that the host already has. */
  present: Change[]
  refused: { change: Change; error: UserError }[]
}

/** Compares each change with the host. Writes nothing. */
export async function planApply(
  root: string,
  changes: readonly Change[],
  signal?: AbortSignal,
): Promise<Plan> {
  const plan: Plan = { steps: [], conflicts: new Set(), present: [], refused: [] }
  const deleted = new Set(changes.filter(({ after }) => !after).map(({ path }) => path))
  const compared = await withHeldFolder(root, held =>
    settleConcurrently(changes, atOnce, change => compare(held, change, deleted, signal)),
  )
  for (const [index, result] of compared.entries()) {
    const change = changes[index]
    if (change === undefined) continue
    if (result.status === 'rejected') {
      plan.refused.push({ change, error: refusal(change.path, result.reason) })
    } else if (result.value === null) plan.present.push(change)
    else {
      const step = result.value
      plan.steps.push(step)
      if (!sameEntry(step.before?.entry, change.before)) plan.conflicts.add(change.path)
    }
  }
  return plan
}

/** Files that are compared at a time: each waits for several system calls. */
const atOnce = 16

/** Returns the step of a change; null when the host has it already. */
async function compare(
  root: string,
  change: Change,
  deleted: ReadonlySet<string>,
  signal?: AbortSignal,
): Promise<Step | null> {
  const { path } = change
  if (safeRelativePath(path) === null) throw notApplied(path, 'it leaves the workspace')
  if (change.after?.type === 'link') refuseLinkOutside(path, change.after.target)
  // A file that will become a folder is still there.
  const inTheWay = foldersOf(path).some(folder => deleted.has(folder))
  const now = inTheWay ? null : await readHostState(root, path, signal)
  if (sameEntry(now?.entry, change.after)) return null
  const { present, missing } = await readHostFolders(root, path)
  return {
    path,
    before: now,
    after: change.after ?? null,
    baseline: change.before ?? null,
    removes: change.after ? [] : present,
    makes: change.after ? missing : [],
  }
}

/**
 * Accepts only symlinks that point inside the workspace: programs that follow one must stay inside
 * (threat H2). `..` may stand only at the beginning: after a name that is a symlink, it goes up from
 * that symlink's target.
 */
function refuseLinkOutside(path: string, target: string) {
  const resolved = posix.normalize(posix.join(posix.dirname(path), target))
  const parts = target.split('/').filter(part => part !== '' && part !== '.')
  const turnsBack = parts.lastIndexOf('..') > parts.findIndex(part => part !== '..')
  const leaves = posix.isAbsolute(target) || resolved === '..' || resolved.startsWith('../')
  if (leaves || (turnsBack && parts.some(part => part !== '..'))) {
    throw notApplied(
      path,
      `it is a symlink to ${terminalLine(target)}, which can lead outside the workspace`,
    )
  }
}

/** Converts a system error to the reason why one file is not applied. Rethrows other errors. */
export function refusal(path: string, error: unknown): UserError {
  if (error instanceof UserError) return error
  const code = systemCode(error)
  if (code === null) throw error
  const reasons: Record<string, string> = {
    EISDIR: 'it is a folder on the host',
    ENOTEMPTY: 'it is a folder on the host',
    EACCES: 'you may not write there',
    EPERM: 'you may not write there',
    ENOSPC: 'the disk is full',
    EROFS: 'the folder is read-only',
  }
  return notApplied(path, reasons[code] ?? code, error)
}

/** Takes over only the executable bit: no setuid, nothing writable for others. */
export function modeFor(after: Entry, before: Step['before']): number {
  const executable = after.type === 'file' && after.executable
  if (before?.entry.type !== 'file') return executable ? 0o755 : 0o644
  const mode = before.mode & 0o777
  if (executable === before.entry.executable) return mode
  return executable ? mode | ((mode & 0o444) >> 2) : mode & ~0o111
}
