import { parseOptions } from '../command-line.ts'
import type { Repository } from '../repository.ts'
import { type Check, firstOf, pass, refuseIf, type Verdict } from '../verdict.ts'
import { emptyFolders } from './clean.ts'

const verbs = 'push save pop apply branch list show drop clear create store export import'.split(
  ' ',
)

export const checkStash: Check = (repository, args) => {
  const [first = ''] = args
  const verb = verbs.includes(first) ? first : 'push'
  const rest = verb === first ? args.slice(1) : args
  if (verb === 'push' || verb === 'save') return push(repository, args, { verb, rest })
  if (verb === 'pop' || verb === 'apply') return bringBack(repository, parseOptions(rest).words[0])
  if (verb === 'branch') {
    const stash = parseOptions(rest).words[1]
    const base = repository.resolve(`${stashOf(stash)}^1`)
    const head = repository.head()
    return firstOf(
      () => (base && head ? refuseIf(repository.changed(head, base)) : pass),
      () => bringBack(repository, stash),
    )
  }
  return pass
}

/** Removes changes, and with `-u` untracked files, from the working tree. */
function push(
  repository: Repository,
  args: readonly string[],
  { verb, rest }: { verb: string; rest: readonly string[] },
): Verdict {
  const options = parseOptions(rest, '-m --message --pathspec-from-file')
  // `save` takes words as its message.
  const selected = verb === 'save' ? [] : [...options.words, ...(options.paths ?? [])]
  const all = options.has('-a', '--all')
  const untracked = all || options.has('-u', '--include-untracked')
  if (repository.head() === null) return pass
  const option = all ? '-a ' : untracked ? '-u ' : ''
  const hint = `leave these paths out, as in git stash push ${option}-- . ':!PATH'`
  return firstOf(
    () => refuseIf(repository.differing('HEAD', selected), hint),
    () => (untracked ? refuseIf(repository.untracked(all, selected), hint) : pass),
    () => (untracked && selected.length === 0 ? withoutPlaceholders(repository, args, all) : pass),
  )
}

/** Keeps `git stash` from removing the empty folders that hold the places of protected files. */
function withoutPlaceholders(
  repository: Repository,
  args: readonly string[],
  all: boolean,
): Verdict {
  const excludes = emptyFolders(repository)
  if (excludes.length === 0) return pass
  if (all) {
    return {
      kind: 'forbid',
      reason: `it would remove ${excludes.join(', ')}, which hold the places of protected files`,
      hint: 'use git stash -u, or git stash push -a -- :/',
    }
  }
  return { kind: 'run', globals: [], args: ['stash', ...args], excludes }
}

/** The stash's changes, and its untracked files, come into the working tree. */
function bringBack(repository: Repository, name: string | undefined): Verdict {
  const stash = stashOf(name)
  const commit = repository.resolve(stash)
  const base = repository.resolve(`${stash}^1`)
  if (commit === null || base === null) return pass
  const files = repository.resolve(`${stash}^3`)
  return refuseIf([
    ...repository.changed(base, commit),
    ...(files === null ? [] : repository.changedBy([files])),
  ])
}

function stashOf(name: string | undefined) {
  if (name === undefined) return 'stash@{0}'
  return /^\d+$/.test(name) ? `stash@{${name}}` : name
}
