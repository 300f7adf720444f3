import { protectedNames } from '../config/protected-names.ts'

/** Of `.claude`, commands and the like may come back from a copy: they are in the diff that you read. */
const narrower: Record<string, string> = { '.claude': '\\.claude/(settings[^/]*\\.json|hooks)' }

/** What `apply` withholds unless it is asked for by one of these names. */
export const withheldNames = [...protectedNames.filter(name => name !== '.git'), '.husky'] as const

const patterns = ['.git', ...withheldNames].map(name => ({
  name,
  pattern: new RegExp(`(^|/)${narrower[name] ?? name.replaceAll('.', '\\.')}(/|$)`),
}))

/**
 * The name by which a path relative to the workspace is a file that other programs on the host run or
 * obey: what an agent writes there would run outside its container later (threat H1). At any depth;
 * letter case does not matter. Null for all other paths.
 */
export function protectedNameOf(path: string): string | null {
  const lower = path.toLowerCase()
  return patterns.find(({ pattern }) => pattern.test(lower))?.name ?? null
}
