import { foldersOf, isWithin } from '../../files/beneath.ts'
import { createIgnoreRules } from '../ignore/rules.ts'
import { createProtectedNames } from '../protected-paths.ts'
import type { Baseline } from './baseline.ts'
import { type Entry, sameEntry, type Tree } from './entry.ts'
import { findGitData, findRepositories } from './git-data.ts'

export type Change = {
  path: string
  kind: 'added' | 'modified' | 'deleted'
  before?: Entry
  after?: Entry
}

/** Returns the agent's changes in its copy, sorted by path, without git's own data. */
export function copyChanges(baseline: Tree, copy: Tree, leftOut?: readonly string[]): Change[] {
  const changes: Change[] = []
  const isGitData = findGitData({ trees: [baseline, copy], ...(leftOut && { leftOut }) })
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

/** Returns whether the agent committed or otherwise changed git's data, which stays in the copy. */
export function gitDataChanged(baseline: Tree, copy: Tree): boolean {
  const isGitData = findGitData({ trees: [baseline, copy] })
  const differs = (a: Tree, b: Tree) =>
    [...a].some(([path, entry]) => isGitData(path) && !sameEntry(entry, b.get(path)))
  return differs(baseline, copy) || differs(copy, baseline)
}

/**
 * Returns folders that became a repository in the copy, by git's rules and not by the name `.git`: git on
 * the host would obey them.
 */
export function newRepositories({ tree, leftOut }: Pick<Baseline, 'tree' | 'leftOut'>, copy: Tree) {
  const known = findRepositories({ trees: [tree], leftOut })
  const found = findRepositories({ trees: [tree, copy], leftOut })
  return [...found].filter(folder => !known.has(folder)).sort()
}

/** Returns whether git's data has objects or references that the baseline lacks: commits, a stash. */
export function hasNewCommits(baseline: Tree, copy: Tree): boolean {
  const isStored = /(^|\/)(objects\/.|refs\/.|packed-refs$|HEAD$)/
  const isGitData = findGitData({ trees: [baseline, copy] })
  return [...copy].some(
    ([path, entry]) =>
      isStored.test(path) && isGitData(path) && !sameEntry(entry, baseline.get(path)),
  )
}

/** Changes by whether they are applied. */
export type SortedChanges = {
  /** Applied to the host. */
  applicable: Change[]
  /** Kept in the copy: the host would run them. */
  withheld: Change[]
  /** Kept in the copy: new files at a path that the copy leaves out. */
  ignored: Change[]
}

export type ChangeSelection = {
  /** Names of protected files (`.vscode`) to include anyway. */
  include?: readonly string[]
  /** Limits the changes to these files and folders, and includes them even when ignored. */
  paths?: readonly string[]
  /** Names to withhold in addition, of PROTECT_ALSO. */
  also?: readonly string[]
}

export function sortChanges(
  changes: readonly Change[],
  { rules, leftOut }: Pick<Baseline, 'rules' | 'leftOut'>,
  { include = [], paths = [], also = [] }: ChangeSelection = {},
): SortedChanges {
  const judge = createIgnoreRules(rules)
  const protectedNameOf = createProtectedNames(also)
  const places = new Set(leftOut)
  const isAtPlace = (path: string) =>
    places.has(path) || foldersOf(path).some(folder => places.has(`${folder}/`))
  const sorted: SortedChanges = { applicable: [], withheld: [], ignored: [] }
  for (const change of changes) {
    const { path, kind } = change
    const named = paths.some(wanted => isWithin(wanted, path))
    if (paths.length > 0 && !named) continue
    const name = protectedNameOf(path)
    const isIgnored = () => isAtPlace(path) || judge.isLeftOut(path)
    if (name !== null && !include.includes(name)) sorted.withheld.push(change)
    else if (kind === 'added' && !named && isIgnored()) sorted.ignored.push(change)
    else sorted.applicable.push(change)
  }
  return sorted
}

/** Counts ignored changes by the outermost folder or file that the rules leave out. */
export function summarizeIgnored(
  changes: readonly Change[],
  { rules }: Pick<Baseline, 'rules'>,
): { path: string; files: number }[] {
  const judge = createIgnoreRules(rules)
  const places = new Map<string, number>()
  for (const { path } of changes) {
    const parts = path.split('/')
    const depth = parts.findIndex((_, index) => {
      const judgement = judge.judge(parts.slice(0, index + 1).join('/'), index < parts.length - 1)
      return judgement === 'out' || judgement === 'excluded'
    })
    const place =
      depth < 0 || depth === parts.length - 1 ? path : `${parts.slice(0, depth + 1).join('/')}/`
    places.set(place, (places.get(place) ?? 0) + 1)
  }
  return [...places].map(([path, files]) => ({ path, files }))
}
