import { type Options, parseOptions } from '../command-line.ts'
import type { Repository } from '../repository.ts'
import { type Check, firstOf, pass, refuseIf } from '../verdict.ts'
import { checkReset } from './switch.ts'

const mergeValues =
  '-m -F -s -X --message --file --strategy --strategy-option --into-name --cleanup'

export const checkMerge: Check = (repository, args) => {
  const options = parseOptions(args, mergeValues)
  if (options.has('--abort')) return checkReset(repository, ['--merge'])
  if (options.has('--continue', '--quit')) return pass
  const names = options.words.length > 0 ? options.words : ['@{upstream}']
  return mergeOf(repository, options, names)
}

/** Merges these commits into HEAD. */
export function mergeOf(repository: Repository, options: Options, names: readonly string[]) {
  const head = repository.head()
  const stashed = () => autostashed(repository, options, 'merge.autoStash')
  if (options.value('-s', '--strategy') === 'ours') return stashed()
  return firstOf(
    stashed,
    ...names.map(name => () => {
      const theirs = repository.resolve(name)
      if (theirs === null) return pass
      if (head === null) return refuseIf(repository.changedBy([theirs]))
      const base = repository.mergeBase(head, theirs)
      const incoming =
        base === null ? repository.changed(head, theirs) : repository.changed(base, theirs)
      const differing = new Set(repository.changed(head, theirs))
      return refuseIf(incoming.filter(path => differing.has(path)))
    }),
  )
}

/** An autostash resets uncommitted changes before the command begins. */
export function autostashed(repository: Repository, options: Options, setting: string) {
  if (options.has('--no-autostash')) return pass
  const on =
    options.has('--autostash') || /^(true|yes|on|1)$/i.test(repository.setting(setting) ?? '')
  return on && repository.head() !== null ? refuseIf(repository.differing('HEAD')) : pass
}

const pickValues = '-m --mainline -s --strategy -X --strategy-option --cleanup --empty'

/** `cherry-pick` and `revert`, which apply single commits. */
export const checkPick: Check = (repository, args) => {
  const options = parseOptions(args, pickValues)
  if (options.has('--quit')) return pass
  if (options.has('--abort')) {
    const before = repository.ownFile('sequencer/head')?.trim()
    return checkReset(repository, before ? ['--merge', before] : ['--merge'])
  }
  if (options.has('--continue', '--skip')) {
    const rest = remaining(repository, 'sequencer/todo')
    return firstOf(
      () => (options.has('--skip') ? checkReset(repository, ['--merge']) : pass),
      () => refuseIf(repository.changedBy(rest)),
    )
  }
  const names = options.words.map(word => (word === '-' ? '@{-1}' : word))
  if (names.length === 0) return pass
  return refuseIf(repository.changedBy(repository.commits('--no-walk', ...names, '--')))
}

/** Returns the commits that a stopped sequence has still to apply. */
export function remaining(repository: Repository, file: string): string[] {
  const lines = (repository.ownFile(file) ?? '').split('\n').filter(line => !line.startsWith('#'))
  const words = lines.flatMap(line =>
    line.split(/\s+/).filter(word => /^[0-9a-f]{7,64}$/.test(word)),
  )
  return words.flatMap(word => repository.resolve(word) ?? [])
}

const values =
  '-p -C -S --directory --exclude --include --whitespace --build-fake-ancestor --patch-format'

/** `am` and `apply` with patches in files; a patch on stdin can be read only once. */
export const checkPatch: Check = (repository, args) => {
  const options = parseOptions(args, values)
  if (options.has('--abort')) {
    const before = repository.resolve('ORIG_HEAD')
    return before === null ? pass : checkReset(repository, ['--merge', before])
  }
  if (options.has('--cached', '--check', '--stat', '--numstat', '--summary')) return pass
  const files = [...options.words, ...(options.paths ?? [])].filter(file => file !== '-')
  if (files.length === 0) return pass
  const { stdout } = repository.ask(['apply', '--numstat', '-z', '--', ...files])
  const names = stdout.split('\0').map(entry => entry.split('\t').slice(2).join('\t'))
  return refuseIf(names.filter(name => repository.isProtected(name)))
}
