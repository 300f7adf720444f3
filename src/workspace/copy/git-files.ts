/** Names of git's unfinished files: `tmp_obj_…`, `tmp_pack_…`, `.tmp-…-pack-…` of a repack. */
const unfinished = /^(tmp_|\.tmp-)/

/**
 * Returns whether a file exists only while a git process of the host runs. No such process exists in a
 * copy, so a lock there would be stale and stop every git command.
 */
export function isGitTransient(path: string): boolean {
  if (!path.includes('.git/')) return false
  const parts = path.split('/')
  const depth = parts.lastIndexOf('.git')
  const name = parts.at(-1) ?? ''
  if (depth < 0 || depth === parts.length - 1) return false
  // Git allows no reference name that ends in .lock.
  if (name.endsWith('.lock') || name === 'gc.pid') return true
  return parts.indexOf('objects', depth) > 0 && unfinished.test(name)
}

/** Returns whether a path is a repository's `.git`, or below one. */
export function isGitPath(path: string): boolean {
  return /(^|\/)\.git(\/|$)/.test(path)
}

/** Returns whether a path is a repository's `.git` itself. */
export function isGitFolder(path: string): boolean {
  return /(^|\/)\.git$/.test(path)
}
