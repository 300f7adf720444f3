import { readRegularFileSync, textOf } from '../../files/regular-file.ts'

/** Mounted by the stack if the user has always-skills; owned by root, so that no run can change it. */
export const standingPromptFile = '/etc/claude-secure/append-system-prompt.md'

/** Maximum bytes: the limit of `start`, plus room for its headings. */
const most = 2 * 1024 * 1024

/** Reads the user's text for the end of every run's system prompt, before the run's own; null for none. */
export function readStandingPrompt(path: string): string | null {
  return textOf(readRegularFileSync(path, { limit: most }))
}
