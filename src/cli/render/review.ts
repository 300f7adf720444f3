import { createColors } from 'picocolors'
import { terminalLine, visibleText } from '../../base/terminal-text.ts'
import type { CommitFile } from '../../git/commits.ts'
import type { Finding } from '../../git/findings.ts'
import type { CommitDetails } from '../../git/session-view.ts'
import { displayPath, letters } from '../../workspace/copy/render-patch.ts'

/** Maximum number of files and of findings that are listed of a commit. */
const most = 50

/** Renders a commit without its patch: message, files and findings. All of its text is of the agent. */
export function renderCommit(commit: CommitDetails, colour: boolean): string {
  const { bold, dim, yellow, red } = createColors(colour)
  const { id, subject, body, author, at, onBranch, files, more, findings } = commit
  const lines = [
    bold(`commit ${id.slice(0, 12)} ${terminalLine(subject, 200)}`),
    dim(`${terminalLine(`${author.name} <${author.mail}>`, 120)}, ${at ?? 'no date'}`),
    ...(onBranch ? [] : [yellow("not on the session's branch")]),
    ...(body === '' ? [] : ['', ...visibleText(body).split('\n').slice(0, most)]),
    '',
    ...files.slice(0, most).map(file => renderFile(file)),
    ...(files.length > most || more
      ? [dim(`and ${more ? 'many' : files.length - most} more files`)]
      : []),
    dim(renderTotal(files)),
    ...findings
      .slice(0, most)
      .map(finding => (finding.kind === 'secret' ? red : yellow)(renderFinding(finding))),
    ...(findings.length > most ? [yellow(`and ${findings.length - most} more findings`)] : []),
  ]
  return lines.join('\n')
}

function renderFile({ kind, path, insertions, deletions }: CommitFile) {
  const counts = insertions === null ? 'binary' : `+${insertions} -${deletions ?? 0}`
  return `${letters[kind]} ${displayPath(path)}  ${counts}`
}

function renderTotal(files: readonly CommitFile[]) {
  const sum = (key: 'insertions' | 'deletions') =>
    files.reduce((total, file) => total + (file[key] ?? 0), 0)
  const count = files.length === 1 ? '1 file' : `${files.length} files`
  return `${count}, ${sum('insertions')} insertions, ${sum('deletions')} deletions`
}

/** Renders `! secret src/a.ts:3: github credential in the file`. */
export function renderFinding({ kind, path, detail, line }: Finding): string {
  const at = line === undefined ? '' : `:${line}`
  return `! ${kind.replaceAll('-', ' ')} ${displayPath(path)}${at}: ${terminalLine(detail, 200)}`
}

/** Cuts a patch to so many lines, and says how many follow. */
export function cutPatch(patch: string, lines: number): { shown: string; rest: number } {
  const all = patch.split('\n')
  return all.length <= lines
    ? { shown: patch, rest: 0 }
    : { shown: `${all.slice(0, lines).join('\n')}\n`, rest: all.length - lines }
}
