import { terminalLine } from '../../base/terminal-text.ts'
import type { Repository } from '../../workspace/repository/locate.ts'

/** Says why git does not work in the container, and how to change that; null when it works. */
export function repositoryNotice(repository: Repository): string | null {
  if (repository.kind === 'above') {
    return `git does not work in the container: this folder is a part of the repository ${terminalLine(repository.top)}; start there to give the agent its git`
  }
  if (repository.kind !== 'refused') return null
  const { named, problem, hint } = repository
  return `git does not work in the container: ${named === '' ? '.git' : `.git names ${terminalLine(named)}, which`} ${problem}; ${terminalLine(hint, 1_000)}`
}
