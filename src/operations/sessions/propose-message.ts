import { terminalLine, terminalText } from '../../base/terminal-text.ts'
import type { Commit } from '../../git/commits.ts'

/** Proposes the only commit's message, or the list of subjects. The texts are of the agent. */
export function proposeMessage(
  commits: readonly Pick<Commit, 'subject' | 'body'>[],
  branch: string,
): { title: string; body: string } {
  const [first] = commits
  if (first && commits.length === 1) {
    return { title: terminalLine(first.subject, 200), body: terminalText(first.body) }
  }
  const subjects = [...commits].reverse().map(({ subject }) => `- ${terminalLine(subject, 200)}`)
  return {
    title: branch.replace(/^claude\//, '').replace(/[-_]+/g, ' '),
    body: subjects.join('\n'),
  }
}
