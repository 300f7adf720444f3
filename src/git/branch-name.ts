import { UserError } from '../base/errors.ts'
import { terminalLine, terminalText, visibleText } from '../base/terminal-text.ts'

/** Git allows more; forges and file systems of other users do not. */
const longest = 200

/**
 * Returns the reason why a text cannot be a branch; null when it can. Stricter than git: no invisible or
 * control characters, no name that a command takes for an option, a revision or a full ref.
 */
export function branchNameProblem(name: string): string | null {
  if (name === '') return 'is empty'
  if (Buffer.byteLength(name) > longest) return `is longer than ${longest} bytes`
  if (terminalText(name) !== name || visibleText(name) !== name || /\p{Cs}/u.test(name)) {
    return 'contains control or invisible characters'
  }
  if (/[\s~^:?*[\\]|\.\.|@\{|\/\/|\/\./.test(name)) return 'contains characters that git refuses'
  if (/^[-/.]|[/.]$|\.lock(\/|$)/.test(name))
    return 'begins or ends with characters that git refuses'
  if (/^(refs\/|@$)|^(HEAD|FETCH_HEAD|ORIG_HEAD)$|^[0-9a-f]{40}([0-9a-f]{24})?$/.test(name)) {
    return 'has another meaning in git'
  }
  return null
}

/** Returns the name if it can be a branch; throws with the reason if not. */
export function parseBranchName(name: string): string {
  const problem = branchNameProblem(name)
  if (problem === null) return name
  throw new UserError(`the branch name "${terminalLine(name, 80)}" ${problem}`, {
    hint: 'use letters, digits, hyphens and slashes, such as claude/fix-login',
  })
}
