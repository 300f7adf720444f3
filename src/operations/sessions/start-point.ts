import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { step } from '../../base/log.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { findAccount } from '../../config/account.ts'
import { parseBranchName } from '../../git/branch-name.ts'
import { chooseCommit } from '../../git/commits.ts'
import { createOpenGit } from '../../git/open-git.ts'
import { chooseRemote, readRemotes } from '../../git/remotes.ts'
import { type HostRepository, isObjectId } from '../../git/repository.ts'
import { sessionRef } from '../../git/session-names.ts'
import { chooseSession, listSessions, type Session } from '../../git/session-record.ts'
import { openSessionView } from '../../git/session-view.ts'
import { inspectStack } from '../../stack/inspect.ts'
import type { Context } from '../context.ts'
import { collectFrom } from './find-sessions.ts'
import { forgeOf, openForge } from './forge-of.ts'
import { parseFork } from './fork-name.ts'
import type { SessionOptions } from './session-options.ts'
import { keptStates } from './undo-turns.ts'

/** Where a session begins that does not begin with the folder as it is. */
export type StartPoint = {
  commit: string
  /** The commit whose successors are the session's; null when that is `commit`. */
  base: string | null
  /** The branch that a pull request is for; null for the default branch of the remote. */
  target: string | null
  /** The branch of the remote that it is pushed to; null for the session's own. */
  remoteBranch: string | null
}

/** Returns the start point that a person chose; null when a session begins with the folder as it is. */
export async function findStart(
  context: Context,
  repository: HostRepository,
  name: string,
  { remoteBranch, pullRequest, from }: SessionOptions,
): Promise<StartPoint | null> {
  const given = [remoteBranch, pullRequest, from].filter(value => value !== undefined)
  if (given.length > 1) {
    throw new UserError('--remote-branch, --pr and --from cannot be combined', {
      hint: 'give one of them',
      exitCode: 2,
    })
  }
  if (from !== undefined) return fork(context, repository, from)
  if (pullRequest !== undefined) return fetchPullRequest(context, repository, name, pullRequest)
  if (remoteBranch === undefined) return null
  const ref = `refs/heads/${parseBranchName(remoteBranch)}`
  const commit = await fetchRef(context, repository, name, ref)
  return { commit, base: null, target: null, remoteBranch }
}

/** Begins with a commit of another session of this folder. */
async function fork(
  context: Context,
  { folder }: HostRepository,
  from: string,
): Promise<StartPoint> {
  const { name, commit: wanted, state } = parseFork(from)
  const session = chooseSession(name, await listSessions({ folder }))
  const id = state === null ? wanted : await commitOfState(context, session, state)
  const { tips, commits } = await openSessionView(session)
  // Of the session alone: its container could name any commit of the repository.
  const commit =
    id === null ? tips.branch : id === tips.base ? tips.base : chooseCommit(commits, id).id
  if (commit === null) {
    throw new UserError(`session ${session.session} has no commit yet`, {
      hint: `run ${command('session start')} without --from`,
    })
  }
  return { commit, base: tips.base, target: session.target, remoteBranch: null }
}

/** Returns the commit that was checked out in a state that a session keeps. */
async function commitOfState(context: Context, session: Session, number: number): Promise<string> {
  const found = { session, state: await inspectStack(context.engine, session.stack) }
  const { states } = await keptStates(context, found)
  const head = states.find(state => state.number === number)?.head
  if (!head) {
    throw new UserError(`session ${session.session} keeps no state ${number} with a commit`, {
      hint: `${command(`session undo ${session.session} --list`)} lists the states that it keeps`,
      exitCode: 2,
    })
  }
  await collectFrom(context, found)
  const text = `the session begins with commit ${head.slice(0, 10)}; what was not committed in state ${number} stays in ${session.session}`
  context.log({ kind: 'info', text })
  return head
}

async function fetchPullRequest(
  context: Context,
  repository: HostRepository,
  name: string,
  number: number,
): Promise<StartPoint> {
  const remote = chooseRemote(await readRemotes(repository.gitDir))
  const asking = { account: await findAccount(repository.user), signal: context.signal }
  const forge = await forgeOf(remote.url, asking)
  if (!forge) {
    throw new UserError(
      `no GitHub, GitLab, Gitea or Forgejo answers at ${terminalLine(remote.url, 120)}`,
      {
        hint: 'name the branch of the pull request with --remote-branch',
      },
    )
  }
  const found = await openForge(forge, asking).fetch(number)
  const commit = await fetchRef(context, repository, name, found.ref)
  // The branch of a fork is not in this repository: see destination.ts.
  const { branch, fork: isFork } = found.head
  const remoteBranch = isFork ? null : parseBranchName(branch)
  return { commit, base: null, target: parseBranchName(found.base), remoteBranch }
}

/**
 * Fetches a reference of the remote with the user's own git and credentials. Its commit becomes the session's
 * beginning before the copy is taken, so that the copy has it.
 */
async function fetchRef(
  { log, signal }: Context,
  repository: HostRepository,
  name: string,
  ref: string,
): Promise<string> {
  const remote = chooseRemote(await readRemotes(repository.gitDir))
  const git = createOpenGit(repository, signal)
  const base = sessionRef(name, 'base')
  const shown = `${terminalLine(ref)} of ${terminalLine(remote.name)}`
  const commit = await step(log, `fetching ${shown}`, async () => {
    await git.need(`cannot fetch ${shown}`, [
      ...['fetch', '--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance'],
      ...['--no-recurse-submodules', '--', remote.name, `+${ref}:${base}`],
    ])
    return git.need('cannot find the fetched commit', [
      ...['rev-parse', '--verify', '--quiet', `${base}^{commit}`],
    ])
  })
  if (isObjectId(commit.trim())) return commit.trim()
  throw new Error('git named no commit')
}
