import { hostPrograms, namesOf } from '../config/host-programs.ts'
import { foldedName } from './folded-name.ts'

/**
 * Limits what is withheld in `.claude` to settings and hooks: commands and similar files are in the diff
 * that the user reads. Also withholds a symlink of that name, which brings settings from elsewhere.
 */
const narrower: Record<string, string> = {
  '.claude': '\\.claude($|/(settings[^/]*\\.json|hooks))',
}

/** Names that `apply` withholds unless they are requested. */
export const withheldNames: readonly string[] = hostPrograms
  .filter(({ guard }) => guard !== 'told')
  .flatMap(namesOf)
  .filter(name => name !== '.git')

const patterns = patternsOf(['.git', ...withheldNames])

function patternsOf(names: readonly string[]) {
  return names.map(name => ({
    name,
    pattern: new RegExp(`(^|/)${narrower[name] ?? escaped(foldedName(name))}(/|$)`),
  }))
}

function escaped(name: string) {
  return name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/**
 * Creates a function that returns the protected name in a path relative to the workspace; null for all
 * other paths. Other programs on the host run or obey such files: an agent's changes there would later run
 * outside its container (threat H1). Matches at any depth, ignoring letter case and notation. `also`: the
 * names of PROTECT_ALSO.
 */
export function createProtectedNames(also: readonly string[]): (path: string) => string | null {
  const all = also.length === 0 ? patterns : [...patterns, ...patternsOf(also)]
  return path => {
    const folded = foldedName(path)
    return all.find(({ pattern }) => pattern.test(folded))?.name ?? null
  }
}

/** `createProtectedNames` for the shipped names. */
export const protectedNameOf = createProtectedNames([])
