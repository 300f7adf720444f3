import { parseOptions } from '../command-line.ts'
import type { Repository } from '../repository.ts'
import { type Check, firstOf, pass, refuseIf } from '../verdict.ts'

/** Refuses a search whose commits change protected files: each of its steps checks one out. */
export const checkBisect: Check = (repository, args) => {
  const [verb = '', ...rest] = args
  if (['log', 'terms', 'visualize', 'view', 'help'].includes(verb)) return pass
  const head = repository.head()
  if (head === null) return pass
  const { words } = parseOptions(rest, '--term-old --term-new --term-good --term-bad')
  if (verb === 'reset') {
    const start = words[0] ?? repository.ownFile('BISECT_START')?.trim()
    const target = start ? repository.resolve(start) : null
    return target === null ? pass : refuseIf(repository.changed(head, target))
  }
  if (verb === 'run' || verb === 'replay') return inSearch(repository, head, [])
  const named = words.flatMap(word => repository.resolve(word) ?? [])
  return inSearch(repository, head, named.length > 0 || verb === 'start' ? named : [head])
}

function inSearch(repository: Repository, head: string, named: readonly string[]) {
  const { stdout } = repository.ask(['for-each-ref', '--format=%(objectname)', 'refs/bisect'])
  const commits = [...new Set([...named, ...stdout.split('\n').filter(Boolean)])]
  if (commits.length < 2) return pass
  const base = repository.mergeBase('--octopus', ...commits)
  const range = base === null ? commits : [...commits, `^${base}`]
  return firstOf(
    () => refuseIf(repository.changedBy(repository.touching(...range))),
    ...commits.map(commit => () => refuseIf(repository.changed(head, commit))),
  )
}
