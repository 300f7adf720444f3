/** The folder of branches that an agent may push to. */
export const ownBranches = 'refs/heads/claude/'

const mostCharacters = 200

/**
 * Returns whether a ref is a branch below `claude/`. Narrower than git: only letters, digits and
 * `. _ + = -`, so that no name can mean another one to a forge, a file system or a terminal.
 */
export function isOwnBranch(ref: string): boolean {
  if (!ref.startsWith(ownBranches) || ref.length > mostCharacters) return false
  return ref
    .slice(ownBranches.length)
    .split('/')
    .every(part => /^[A-Za-z0-9_][\w.+=-]*$/.test(part) && isPlain(part))
}

/** git refuses these, too; a server that does not must not see them. */
function isPlain(part: string): boolean {
  return !part.includes('..') && !part.endsWith('.') && !part.toLowerCase().endsWith('.lock')
}
