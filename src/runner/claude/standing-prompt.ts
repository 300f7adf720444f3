import { readRegularFileSync, textOf } from '../../files/regular-file.ts'

/** Mounted by the stack where the user has always-skills; root's, so that no run can change it. */
export const standingPromptFile = '/etc/claude-secure/append-system-prompt.md'

/** What `start` admits, and room for its headings. */
const most = 2 * 1024 * 1024

/** The user's words at the end of every run's system prompt, before those of the run; null for none. */
export function readStandingPrompt(path: string): string | null {
  return textOf(readRegularFileSync(path, { limit: most }))
}
