import { foldedName } from '../folded-name.ts'
import type { Tree } from './entry.ts'

/** Names in a repository's folder that git reads and obeys. */
const ownNames =
  /^(head|config|config\.worktree|commondir|gitdir|hooks|info|modules|objects|packed-refs|refs|worktrees)$/

// Most paths have none of these names, and folding takes time.
const candidates = /head|objects|refs|commondir|[^ -~]/i

/** Paths of the trees, and paths that the copy left out, which are on the host. */
export type GitPaths = { trees: readonly Tree[]; leftOut?: readonly string[] }

/**
 * Returns a test for paths that are git's own: `.git`, and those that make any other folder a repository
 * for git (`findRepositories`).
 */
export function findGitData(paths: GitPaths): (path: string) => boolean {
  const repositories = findRepositories(paths)
  return path => {
    if (/(^|\/)\.git(\/|$)/.test(path)) return true
    if (repositories.size === 0) return false
    const names = foldedNames(path)
    return names.some(
      (name, depth) => ownNames.test(name) && repositories.has(names.slice(0, depth).join('/')),
    )
  }
}

/**
 * Returns the folders, by folded names, that git treats as repositories although they are not named
 * `.git`: those with `HEAD`, and with `objects` and `refs` or with `commondir`, which names a folder that
 * has the two. Git runs the commands in their `config` when a user, or a shell prompt, runs `git status`
 * in them (threat H5).
 */
export function findRepositories({ trees, leftOut = [] }: GitPaths): Set<string> {
  const heads = new Set<string>()
  const seen = new Set<string>()
  const look = (path: string) => {
    if (!candidates.test(path)) return
    const names = foldedNames(path)
    for (const [depth, name] of names.entries()) {
      const isLast = depth === names.length - 1
      const folder = names.slice(0, depth).join('/')
      if (name === 'head' && isLast) heads.add(folder)
      else if (name === 'objects' || name === 'refs' || (name === 'commondir' && isLast)) {
        seen.add(`${folder}/${name}`)
      }
    }
  }
  for (const tree of trees) for (const path of tree.keys()) look(path)
  for (const path of leftOut) look(path.replace(/\/$/, ''))
  const isRepository = (folder: string) =>
    seen.has(`${folder}/commondir`) || (seen.has(`${folder}/objects`) && seen.has(`${folder}/refs`))
  return new Set([...heads].filter(isRepository))
}

function foldedNames(path: string) {
  return path.split('/').map(foldedName)
}
