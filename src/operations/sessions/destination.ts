import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { findAccount } from '../../config/account.ts'
import type { PullRequest } from '../../git/forge/pull-request.ts'
import { siblingUrl } from '../../git/remote-url.ts'
import { chooseRemote, type Remote, readRemotes } from '../../git/remotes.ts'
import { openRepository } from '../../git/repository.ts'
import { resolveRemote } from '../../git/resolve-remote.ts'
import type { Session } from '../../git/session-record.ts'
import { type Asking, forgeOf, openForge } from './forge-of.ts'

/** Where a session goes: a branch of a remote. */
export type Destination = {
  /** Name of the remote, or the fork of a pull request, such as `eve/tools`. */
  remote: string
  url: string
  branch: string
  /** Whether the session began with that branch: then it may be the default one of its repository. */
  isItsBeginning: boolean
}

/**
 * Returns the branch of the remote that a session is pushed to, unless a person names another. A pull request of a
 * fork has its branch in the fork: throws where that takes no push of others.
 */
export async function destinationOf(
  session: Session,
  { remote, branch }: { remote?: string | undefined; branch?: string | undefined } = {},
  signal?: AbortSignal,
): Promise<Destination> {
  const repository = await openRepository(session.folder)
  const remotes = await readRemotes(repository.gitDir)
  const chosen = chooseRemote(remotes, remote)
  const { pullRequest, remoteBranch } = session
  const isOfFork = pullRequest !== null && remoteBranch === null
  if (isOfFork && remote === undefined && branch === undefined) {
    const account = await findAccount(repository.user)
    return inFork(session, pullRequest, { chosen, remotes, account, signal })
  }
  const wanted = branch ?? remoteBranch ?? session.branch
  return {
    ...{ remote: chosen.name, url: chosen.pushUrl, branch: wanted },
    isItsBeginning: wanted === remoteBranch,
  }
}

/** Asks the forge each time: the author may have allowed or withdrawn it since. */
async function inFork(
  session: Session,
  number: number,
  { chosen, remotes, ...asking }: { chosen: Remote; remotes: readonly Remote[] } & Asking,
): Promise<Destination> {
  const { account } = asking
  const found = await forgeOf(chosen.url, asking)
  if (!found)
    throw elsewhere(
      session,
      `no GitHub, GitLab, Gitea or Forgejo answers at ${terminalLine(chosen.url, 120)}`,
    )
  const forge = openForge(found, asking)
  const { head } = await forge.fetch(number)
  const { branch } = head
  const own = await remoteOf(remotes, { ...head, web: found.web, account })
  if (own) return { remote: own.name, url: own.pushUrl, branch, isItsBeginning: true }
  const it = `${forge.word} ${number}`
  if (head.repository === null) {
    throw elsewhere(session, `the fork of ${it} is gone, or you may not see it`)
  }
  const fork = terminalLine(head.repository, 200)
  if (!head.isOpenToPushes) {
    throw elsewhere(
      session,
      `${it} is of ${fork}, whose owner lets no one else push to its branch`,
      'ask its author to allow edits by maintainers, or ',
    )
  }
  const url = siblingUrl(await resolveRemote(chosen.pushUrl, { account }), head.repository)
  return { remote: fork, url, branch, isItsBeginning: true }
}

/** Returns the user's own remote of a fork; null without one. */
async function remoteOf(
  remotes: readonly Remote[],
  {
    repository,
    web,
    account,
  }: Pick<PullRequest['head'], 'repository'> & { web: string } & Pick<Asking, 'account'>,
): Promise<Remote | null> {
  const host = new URL(web).hostname
  for (const remote of remotes) {
    const to = await resolveRemote(remote.pushUrl, { account }).catch(() => null)
    if (to?.host === host && to.path.toLowerCase() === repository?.toLowerCase()) return remote
  }
  return null
}

function elsewhere({ session, branch }: Session, problem: string, first = '') {
  const other = command(`push ${session} --branch ${terminalLine(branch, 100)}`)
  return new UserError(problem, { hint: `${first}push to a branch of your own: ${other}` })
}
