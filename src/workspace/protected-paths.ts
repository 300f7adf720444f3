import { protectedNames } from '../config/protected-names.ts'

/** Of `.claude`, commands and the like may come back from a copy: they are in the diff that you read. */
const narrower: Record<string, string> = { '.claude': '\\.claude/(settings[^/]*\\.json|hooks)' }

const patterns = [...protectedNames, '.husky'].map(
  name => new RegExp(`(^|/)${narrower[name] ?? name.replaceAll('.', '\\.')}(/|$)`),
)

/**
 * Whether a path relative to the workspace names a file that other programs on the host run or obey:
 * what an agent writes there would run outside its container later (threat H1). At any depth; letter
 * case does not matter.
 */
export function isProtectedPath(path: string): boolean {
  const lower = path.toLowerCase()
  return patterns.some(pattern => pattern.test(lower))
}
