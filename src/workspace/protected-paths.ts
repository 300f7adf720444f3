import { protectedNames } from '../config/protected-names.ts'
import { foldedName } from './folded-name.ts'

/**
 * Limits what is withheld in `.claude` to settings and hooks: commands and similar files are in the diff
 * that the user reads. Also withholds a symlink of that name, which brings settings from elsewhere.
 */
const narrower: Record<string, string> = {
  '.claude': '\\.claude($|/(settings[^/]*\\.json|hooks))',
}

/** Names that `apply` withholds unless they are requested. */
export const withheldNames = [...protectedNames.filter(name => name !== '.git'), '.husky'] as const

const patterns = ['.git', ...withheldNames].map(name => ({
  name,
  pattern: new RegExp(`(^|/)${narrower[name] ?? name.replaceAll('.', '\\.')}(/|$)`),
}))

/**
 * Returns the protected name in a path relative to the workspace. Other programs on the host run or obey
 * such files: an agent's changes there would later run outside its container (threat H1). Matches at any
 * depth, ignoring letter case and notation. Null for all other paths.
 */
export function protectedNameOf(path: string): string | null {
  const folded = foldedName(path)
  return patterns.find(({ pattern }) => pattern.test(folded))?.name ?? null
}
