import { type Options, parseOptions } from '../command-line.ts'
import type { Repository } from '../repository.ts'
import { type Check, firstOf, pass, refuseIf } from '../verdict.ts'

const switchValues = '-c -C --create --force-create --orphan --conflict'
const checkoutValues = '-b -B --orphan --conflict --pathspec-from-file'

export const checkSwitch: Check = (repository, args) => {
  const options = parseOptions(args, switchValues)
  // A new unborn branch removes all tracked files.
  if (options.has('--orphan')) return refuseIf(repository.tracked())
  return toCommit(repository, options, options.words[0])
}

export const checkCheckout: Check = (repository, args) => {
  const options = parseOptions(args, checkoutValues)
  const [first, ...rest] = options.words
  const creates = options.has('-b', '-B', '--orphan')
  if (creates) return toCommit(repository, options, first)
  if (options.has('--pathspec-from-file')) {
    return refuseIf(repository.differing(first === undefined ? null : repository.resolve(first)))
  }
  if (options.paths !== null && options.paths.length > 0)
    return fromTree(repository, first, options.paths)
  if (first === undefined) {
    const patch = options.has('-p', '--patch')
    return patch ? fromTree(repository, undefined, ['.']) : toCommit(repository, options, first)
  }
  const target = repository.resolve(first)
  if (target !== null && rest.length > 0) return fromTree(repository, first, rest)
  if (target === null && (rest.length > 0 || repository.remoteBranch(first) === null)) {
    return fromTree(repository, undefined, [first, ...rest])
  }
  if (options.has('-p', '--patch')) return fromTree(repository, first, ['.'])
  return toCommit(repository, options, first)
}

/** Files of the working tree are replaced by those of a tree, or of the index; none is removed. */
function fromTree(repository: Repository, tree: string | undefined, pathspecs: readonly string[]) {
  const source = tree === undefined ? null : (repository.resolve(tree) ?? tree)
  return refuseIf(repository.differing(source, pathspecs, 'a'), except(pathspecs))
}

function except(pathspecs: readonly string[]) {
  return pathspecs.length === 1 && pathspecs[0] === '.'
    ? "exclude these paths, as in ':!PATH'"
    : undefined
}

/** The working tree moves from HEAD to another commit. */
function toCommit(repository: Repository, options: Options, name: string | undefined) {
  const head = repository.head()
  const target = name === undefined ? head : commitOf(repository, name)
  // The real git explains what is missing.
  if (target === null) return pass
  return firstOf(
    () => refuseIf(head === null ? [] : repository.changed(head, target)),
    () =>
      options.has('-f', '--force', '--discard-changes')
        ? refuseIf(repository.differing(target))
        : pass,
  )
}

function commitOf(repository: Repository, name: string) {
  const range = /^(.*)\.\.\.(.*)$/.exec(name)
  if (range) return repository.mergeBase(range[1] || 'HEAD', range[2] || 'HEAD')
  const own = repository.resolve(name)
  if (own !== null) return own
  const remote = repository.remoteBranch(name)
  return remote === null ? null : repository.resolve(remote)
}

export const checkRestore: Check = (repository, args) => {
  const options = parseOptions(args, '-s --source --conflict --pathspec-from-file')
  const staged = options.has('-S', '--staged')
  const worktree = options.has('-W', '--worktree')
  if (staged && !worktree) return pass
  const source = options.value('-s', '--source') ?? (staged ? 'HEAD' : null)
  const pathspecs = [...options.words, ...(options.paths ?? [])]
  const revision = source === null ? null : (repository.resolve(source) ?? source)
  return refuseIf(repository.differing(revision, pathspecs), except(pathspecs))
}

export const checkReset: Check = (repository, args) => {
  const options = parseOptions(args, '--pathspec-from-file')
  const name = options.words[0] ?? 'HEAD'
  const target = repository.resolve(name)
  if (target === null) return pass
  if (options.has('--hard')) return refuseIf(repository.differing(target))
  if (!options.has('--merge', '--keep')) return pass
  const head = repository.head()
  return refuseIf([
    ...(head === null ? [] : repository.changed(head, target)),
    ...(options.has('--merge') && head !== null ? repository.differing(head) : []),
  ])
}
