import { terminalLine } from '../../base/terminal-text.ts'
import type { Git } from './git.ts'

/** Maximum lines of a changelog, and of subjects, that are shown. */
const lines = 60
const lineLength = 2_000

/**
 * Returns the new lines of the changelog, or the subjects of the commits when it has none. The remote wrote
 * them, so that each is one line without control characters.
 */
export async function readNews(git: Git, target: string): Promise<string[]> {
  const diff = await git.need(
    'cannot read the changelog of the new version',
    'check the repository with git fsck',
    ...['diff', '--unified=0', '--no-color', '--no-ext-diff', '--no-textconv'],
    ...['HEAD', target, '--', 'CHANGELOG.md'],
  )
  const added = diff
    .split('\n')
    .filter(line => line.startsWith('+') && !line.startsWith('+++ '))
    .map(line => line.slice(1))
    .filter(line => line.trim() !== '')
  if (added.length > 0) return shorten(added)
  const subjects = await git.need(
    'cannot read the commits of the new version',
    'check the repository with git fsck',
    ...['log', '--no-color', '--format=%s', `HEAD..${target}`],
  )
  return shorten(subjects.split('\n').filter(Boolean))
}

function shorten(all: readonly string[]): string[] {
  const shown = all.slice(0, lines).map(line => terminalLine(line, lineLength))
  return all.length > lines ? [...shown, `… and ${all.length - lines} more lines`] : shown
}
