import { type Options, parseOptions } from '../command-line.ts'
import type { Repository } from '../repository.ts'
import { type Check, firstOf, pass, refuseIf, type Verdict } from '../verdict.ts'
import { autostashed, mergeOf, remaining } from './merge.ts'
import { checkReset } from './switch.ts'

const values = '-x --exec --onto -s --strategy -X --strategy-option -C --whitespace --empty'
/** These replay commits even where nothing has to move. */
const replays =
  '-i --interactive -x --exec -f --force-rebase --no-ff --root --autosquash --signoff --reset-author-date --committer-date-is-author-date -r --rebase-merges'.split(
    ' ',
  )

export const checkRebase: Check = (repository, args) => {
  const options = parseOptions(args, values)
  if (options.has('--quit', '--edit-todo', '--show-current-patch')) return pass
  if (options.has('--abort')) {
    const before = ownFile(repository, 'orig-head')
    return before ? checkReset(repository, ['--hard', before]) : pass
  }
  if (options.has('--continue', '--skip')) {
    const rest = remaining(repository, 'rebase-merge/git-rebase-todo')
    return refuseIf(repository.changedBy(rest))
  }
  const [upstream, branch] = options.has('--root') ? [undefined, options.words[0]] : options.words
  return rebaseOf(repository, options, { upstream, branch })
}

/** Replays the commits of `branch` that `upstream` lacks. */
export function rebaseOf(
  repository: Repository,
  options: Options,
  { upstream = '@{upstream}', branch = 'HEAD' }: { upstream?: string; branch?: string },
): Verdict {
  const root = options.has('--root')
  const base = root ? null : repository.resolve(upstream)
  const head = repository.head()
  const tip = repository.resolve(branch)
  if (head === null || tip === null || (!root && base === null)) return pass
  const named = options.value('--onto')
  const onto = named === null ? base : ontoOf(repository, named)
  const range = base === null ? [tip] : [`${base}..${tip}`]
  const isCurrent =
    onto !== null &&
    onto === base &&
    !options.has(...replays) &&
    repository.mergeBase(onto, tip) === onto &&
    repository.commits('--merges', '--max-count=1', ...range).length === 0
  return firstOf(
    () => autostashed(repository, options, 'rebase.autoStash'),
    () => refuseIf(repository.changed(head, tip)),
    // With nothing to replay, git only says that the branch is up to date.
    () => (isCurrent || onto === null ? pass : refuseIf(repository.changed(head, onto))),
    () => (isCurrent ? pass : refuseIf(repository.changedBy(repository.touching(...range)))),
  )
}

function ontoOf(repository: Repository, name: string) {
  const range = /^(.*)\.\.\.(.*)$/.exec(name)
  return range
    ? repository.mergeBase(range[1] || 'HEAD', range[2] || 'HEAD')
    : repository.resolve(name)
}

function ownFile(repository: Repository, name: string) {
  const text =
    repository.ownFile(`rebase-merge/${name}`) ?? repository.ownFile(`rebase-apply/${name}`)
  return text?.trim()
}

const pullValues = `${values} --strategy --depth --shallow-since --shallow-exclude --refmap --upload-pack -o --server-option --cleanup -j --jobs`

/**
 * Fetches first: only then is it known what the pull would bring. The real pull fetches again, which
 * finds nothing new.
 */
export const checkPull: Check = (repository, args) => {
  const options = parseOptions(args, pullValues)
  const fetched = repository.ask(['fetch', '--quiet', ...options.words])
  // The real git explains what failed.
  if (fetched.code !== 0) return pass
  const [theirs, ...more] = (repository.ownFile('FETCH_HEAD') ?? '')
    .split('\n')
    .filter(line => line !== '' && !line.includes('\tnot-for-merge\t'))
    .map(line => line.split('\t')[0] ?? '')
  if (theirs === undefined) return pass
  return rebases(repository, options)
    ? rebaseOf(repository, options, { upstream: theirs })
    : mergeOf(repository, options, [theirs, ...more])
}

function rebases(repository: Repository, options: Options) {
  if (options.has('--no-rebase', '--ff-only')) return false
  if (options.has('-r', '--rebase')) return options.value('-r', '--rebase') !== 'false'
  const { stdout } = repository.ask(['symbolic-ref', '--quiet', '--short', 'HEAD'])
  const setting =
    repository.setting(`branch.${stdout.trim()}.rebase`) ?? repository.setting('pull.rebase')
  return setting !== null && !/^(false|no|off|0)$/i.test(setting)
}
