import type { Tree } from './entry.ts'

/** Names in a repository's folder that git reads and obeys. */
const ownNames =
  /^(head|config|config\.worktree|commondir|gitdir|hooks|info|modules|objects|packed-refs|refs|worktrees)$/i

/**
 * Returns a test for paths that are git's own. Git also treats every folder with `HEAD`, `objects` and
 * `refs` as a repository, and runs the commands in its `config` when a user, or a shell prompt, runs
 * `git status` in it (threat H1).
 */
export function findGitData(...trees: readonly Tree[]): (path: string) => boolean {
  const repositories = bareRepositories(trees)
  return path => {
    if (/(^|\/)\.git(\/|$)/.test(path)) return true
    if (repositories.size === 0) return false
    const names = path.split('/')
    return names.some(
      (name, depth) => ownNames.test(name) && repositories.has(names.slice(0, depth).join('/')),
    )
  }
}

function bareRepositories(trees: readonly Tree[]): Set<string> {
  const heads = new Set<string>()
  const seen = new Set<string>()
  for (const path of trees.flatMap(tree => [...tree.keys()])) {
    const names = path.split('/')
    const folder = (depth: number) => names.slice(0, depth).join('/')
    for (const [depth, name] of names.entries()) {
      if (/^(objects|refs)$/i.test(name)) seen.add(`${folder(depth)}/${name.toLowerCase()}`)
    }
    if (/^head$/i.test(names.at(-1) ?? '')) heads.add(folder(names.length - 1))
  }
  return new Set(
    [...heads].filter(folder => seen.has(`${folder}/objects`) && seen.has(`${folder}/refs`)),
  )
}
