import { protectedNames } from '../config/protected-names.ts'

/**
 * Of `.claude`, commands and the like may come back from a copy: they are in the diff that you read. Not
 * a link of that name, which brings settings from elsewhere.
 */
const narrower: Record<string, string> = {
  '.claude': '\\.claude($|/(settings[^/]*\\.json|hooks))',
}

/** What `apply` withholds unless it is asked for by one of these names. */
export const withheldNames = [...protectedNames.filter(name => name !== '.git'), '.husky'] as const

const patterns = ['.git', ...withheldNames].map(name => ({
  name,
  pattern: new RegExp(`(^|/)${narrower[name] ?? name.replaceAll('.', '\\.')}(/|$)`),
}))

/** What a file system that folds names passes over in them; git's `is_hfs_dotgit` has most of it. */
const notCompared = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g

/** A name as file systems compare it that tell neither case nor notation apart: there `.vſcode` is `.vscode`. */
function folded(path: string) {
  return path.replace(notCompared, '').normalize('NFKC').toUpperCase().toLowerCase()
}

/**
 * The name by which a path relative to the workspace is a file that other programs on the host run or
 * obey: what an agent writes there would run outside its container later (threat H1). At any depth;
 * letter case and notation do not matter. Null for all other paths.
 */
export function protectedNameOf(path: string): string | null {
  const name = folded(path)
  return patterns.find(({ pattern }) => pattern.test(name))?.name ?? null
}
