import { UserError } from '../../base/errors.ts'
import { type Log, step } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Confirm } from '../context.ts'
import { followedBranch, keptChanges, mergeKept, writeKept } from './checkout-state.ts'
import { createGit, type Git } from './git.ts'
import { forgetSaved, restoreSaved, saveKept } from './interrupted.ts'

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

export type SelfUpdateOptions = {
  root: string
  yes: boolean
  dryRun: boolean
  log: Log
  signal: AbortSignal
  confirm: Confirm
  /** Shows what is new, before confirmation. */
  show: (news: { commits: number; lines: readonly string[] }) => void
}

/** `current`: there is nothing new. `available`: it was shown only, or declined. */
export type SelfUpdateOutcome =
  | { kind: 'current' }
  | { kind: 'available' }
  | { kind: 'updated'; from: string; to: string; kept: string[] }

/**
 * Fast-forwards the checkout of claude-secure to the branch that it follows. Every refusal comes before a
 * file is changed; local changes of the files that people edit are merged and kept.
 */
export async function selfUpdate(options: SelfUpdateOptions): Promise<SelfUpdateOutcome> {
  const { root, yes, dryRun, log, signal, confirm, show } = options
  const git = createGit(root, signal)
  const { remote, upstream } = await followedBranch(git, root)
  const from = await commitOf(git, 'HEAD')
  await restore(git, root, from, log)
  const changed = await keptChanges(git, root)
  await step(log, `fetching ${terminalLine(upstream, 100)}`, () => fetch(git, remote))
  // By its id: what was shown is what is installed.
  const target = await commitOf(git, upstream)
  const commits = await newCommits(git, target, upstream)
  if (commits === 0) return { kind: 'current' }
  const merged = await mergeKept(git, root, changed, target)
  show({ commits, lines: await readNews(git, target) })
  if (dryRun || !(yes || (await confirm('Update claude-secure?')))) return { kind: 'available' }
  await saveKept(root, merged, { from, to: target })
  try {
    for (const { path } of merged) {
      await git.need(
        `cannot write ${path}`,
        'check its permissions',
        'checkout',
        'HEAD',
        '--',
        path,
      )
    }
    await git.need(
      'the checkout was not updated',
      'move the files that git names out of the way, then update again',
      ...['merge', '--ff-only', '--quiet', '--no-stat', target],
    )
  } catch (error) {
    await writeKept(root, merged, 'mine')
    await forgetSaved(root)
    throw error
  }
  await writeKept(root, merged, 'merged')
  await forgetSaved(root)
  return { kind: 'updated', from: from.slice(0, 12), to: target.slice(0, 12), kept: changed }
}

/** Brings back what an update that was killed took away from the user's files. */
async function restore(git: Git, root: string, head: string, log: Log) {
  for (const path of await restoreSaved(git, root, head)) {
    log({
      kind: 'warn',
      text: `an update was interrupted; your changes of ${terminalLine(path, 100)} are back`,
    })
  }
  await forgetSaved(root)
}

async function fetch(git: Git, remote: string) {
  await git.need(
    'cannot fetch the new version',
    'check the network and the remote with git remote -v',
    ...['fetch', '--quiet', '--no-tags', '--no-recurse-submodules', '--no-auto-maintenance'],
    ...['--', remote],
  )
}

async function commitOf(git: Git, name: string): Promise<string> {
  const hint = 'check the repository with git fsck'
  const id = await git.need(
    `cannot find ${terminalLine(name, 100)}`,
    hint,
    ...['rev-parse', '--verify', '--end-of-options', `${name}^{commit}`],
  )
  return id.trim()
}

/** Returns the number of new commits; throws when the checkout has commits that the branch lacks. */
async function newCommits(git: Git, target: string, upstream: string): Promise<number> {
  const count = async (range: string) => Number(await git.ask('rev-list', '--count', range))
  const own = await count(`${target}..HEAD`)
  if (own > 0) {
    throw new UserError(
      `the checkout has ${own} ${own === 1 ? 'commit' : 'commits'} that ${terminalLine(upstream, 100)} lacks`,
      { hint: 'rebase them with git, or switch to a branch without them' },
    )
  }
  return count(`HEAD..${target}`)
}
