import type { UserError } from '../../base/errors.ts'
import type { Change, SortedChanges } from '../../workspace/copy/changes.ts'
import { planApply } from '../../workspace/copy/plan.ts'
import { findRenames } from '../../workspace/copy/render-patch.ts'
import type { EngineContext } from '../context.ts'
import { type OpenCopy, openCopy, parseSelection, selectChanges } from './open-copy.ts'

export type CopyDiff = {
  copy: OpenCopy
  sorted: SortedChanges
  /** The changes to show, by path. */
  changes: readonly Change[]
  /** New path to old path. */
  renames: ReadonlyMap<string, string>
  /** Paths that changed on the host too. */
  conflicts: ReadonlySet<string>
  refused: readonly { error: UserError }[]
}

/**
 * Compares the agent's copy with the folder. `withheld`: show changes that `apply` withholds too.
 * `contents`: keep the contents of changed files.
 */
export async function diffCopy(
  context: Pick<EngineContext, 'engine' | 'signal'>,
  paths: readonly string[],
  { withheld, contents }: { withheld: boolean; contents: boolean },
): Promise<CopyDiff> {
  const copy = await openCopy(context, { contents })
  const sorted = selectChanges(copy, parseSelection(copy.root, paths))
  const changes = withheld
    ? [...sorted.applicable, ...sorted.withheld].sort((a, b) => (a.path < b.path ? -1 : 1))
    : sorted.applicable
  const { conflicts, refused } = await planApply(copy.root, changes)
  return { copy, sorted, changes, renames: findRenames(changes), conflicts, refused }
}
