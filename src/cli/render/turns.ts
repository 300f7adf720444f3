import { createColors } from 'picocolors'
import { terminalLine } from '../../base/terminal-text.ts'
import type { KeptState } from '../../git/turns/kept-states.ts'
import type { MovedCommit, PlannedReturn, ReturnedFile } from '../../git/turns/planned-return.ts'
import type { ShownReturn } from '../../operations/sessions/undo-turns.ts'
import { displayPath, letters } from '../../workspace/copy/render-patch.ts'

/** Maximum number of files and of commits that are listed. */
const most = { files: 50, commits: 20 }

/** Renders what a return changes. All names and subjects are of the agent. */
export function renderReturn({ kind, target, turns, plan }: ShownReturn, colour: boolean): string {
  const { bold, dim, yellow } = createColors(colour)
  const goal = kind === 'redo' ? 'before that undo' : 'at its beginning'
  const what = kind === 'redo' ? `undo ${target.number}` : renderState(target)
  const { files, fileCount, branch, gone, back, left } = plan
  const more = fileCount - Math.min(files.length, most.files)
  return [
    bold(`${what}: the copy becomes as it was ${goal}${turns > 1 ? ` (${turns} turns)` : ''}`),
    ...files.slice(0, most.files).map(renderFile),
    ...(more > 0 ? [dim(`and ${more} more files`)] : []),
    ...(fileCount === 0 ? [dim('no file changes')] : []),
    ...(branch.after !== branch.before
      ? [yellow(`checked out: ${nameOf(branch.after)} in place of ${nameOf(branch.before)}`)]
      : []),
    ...renderCommits('leave the branch', gone).map(yellow),
    ...renderCommits('come back to the branch', back),
    ...(left.length > 0
      ? [
          dim(
            `not kept, left as they are: ${left
              .slice(0, 5)
              .map(path => displayPath(path))
              .join(', ')}`,
          ),
        ]
      : []),
  ].join('\n')
}

function nameOf(branch: string | null) {
  return branch === null ? 'a commit without a branch' : terminalLine(branch, 100)
}

function renderFile({ kind, path, insertions, deletions }: ReturnedFile) {
  const counts = insertions === null ? 'binary' : `+${insertions} -${deletions ?? 0}`
  return `${letters[kind]} ${displayPath(path)}  ${counts}`
}

function renderCommits(what: string, { count, commits }: PlannedReturn['gone']): string[] {
  if (count === 0) return []
  const shown = commits.slice(0, most.commits)
  const more = count - shown.length
  return [
    count === 1 ? `1 commit ${what.replace(/^(leave|come)/, '$1s')}:` : `${count} commits ${what}:`,
    ...shown.map(
      ({ id, subject }: MovedCommit) => `  ${id.slice(0, 10)} ${terminalLine(subject, 100)}`,
    ),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ]
}

/** Renders a state as `turn 3 "fix the test"`. The prompt is text of the container. */
export function renderState({ kind, number, prompt }: KeptState): string {
  return `${kind} ${number}${prompt === null ? '' : ` "${terminalLine(prompt, 60)}"`}`
}
