import { foldedName } from '../folded-name.ts'

/**
 * Returns whether git may take a folder with these names for a repository, wherever it is called there:
 * with `HEAD` and either `objects` and `refs`, or a file `commondir` that names a folder with the two
 * (threat H5). That folder counts as well: its `config` is the one that git obeys.
 */
export function looksLikeRepository(names: readonly string[]): boolean {
  const folded = new Set(names.map(foldedName))
  const has = (name: string) => folded.has(name)
  return (has('head') && has('commondir')) || (has('objects') && has('refs'))
}

/**
 * Files in a repository's folder that git obeys, or resumes from with `--continue`. Names of folders are
 * for symlinks in their place.
 */
const files =
  /^(config|config\.worktree|commondir|gitdir|hooks(\/.+)?|info(\/attributes)?|(rebase-merge|rebase-apply)(\/git-rebase-todo)?|sequencer(\/todo)?|modules|worktrees)$/

/** Returns whether git obeys a path, relative to a repository's folder such as `.git`. */
export function isRepositoryFile(path: string): boolean {
  return files.test(path.toLowerCase()) && !path.endsWith('.sample')
}

/** Returns whether a folder inside a repository's folder may hold such files. */
export function isRepositoryFolder(path: string): boolean {
  return /^(hooks|info|rebase-merge|rebase-apply|sequencer|modules$|worktrees$)(\/|$)/.test(
    path.toLowerCase(),
  )
}

/** Returns whether a folder inside a repository's folder is that of a submodule or a worktree. */
export function isModule(path: string): boolean {
  return /^(modules|worktrees)\/[^/]+$/.test(path.toLowerCase())
}
