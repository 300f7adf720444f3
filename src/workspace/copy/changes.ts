import { isProtectedPath } from '../protected-paths.ts'
import { type Entry, sameEntry, type Tree } from './entry.ts'

export type Change = {
  path: string
  kind: 'added' | 'modified' | 'deleted'
  before?: Entry
  after?: Entry
}

/** What the agent changed in its copy, sorted by path. Git's own data is not part of it. */
export function copyChanges(baseline: Tree, copy: Tree): Change[] {
  const changes: Change[] = []
  for (const [path, after] of copy) {
    if (isGitData(path)) continue
    const before = baseline.get(path)
    if (!before) changes.push({ path, kind: 'added', after })
    else if (!sameEntry(before, after)) changes.push({ path, kind: 'modified', before, after })
  }
  for (const [path, before] of baseline) {
    if (!copy.has(path) && !isGitData(path)) changes.push({ path, kind: 'deleted', before })
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Whether the agent committed, or changed what git keeps in another way: that stays in the copy. */
export function gitDataChanged(baseline: Tree, copy: Tree): boolean {
  const differs = (a: Tree, b: Tree) =>
    [...a].some(([path, entry]) => isGitData(path) && !sameEntry(entry, b.get(path)))
  return differs(baseline, copy) || differs(copy, baseline)
}

function isGitData(path: string) {
  return /(^|\/)\.git(\/|$)/.test(path)
}

/** Changes that come back to the host, and those that do not because the host would run them. */
export function splitProtected(changes: readonly Change[]) {
  return {
    applicable: changes.filter(({ path }) => !isProtectedPath(path)),
    withheld: changes.filter(({ path }) => isProtectedPath(path)),
  }
}
