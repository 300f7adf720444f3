import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { findAccount } from '../../config/account.ts'
import { type Forge, findForge } from '../../git/forge/find-forge.ts'
import type { ForgeRepository } from '../../git/forge/forge-repository.ts'
import { chooseRemote, type Remote, readRemotes } from '../../git/remotes.ts'
import { openRepository } from '../../git/repository.ts'
import { resolveRemote } from '../../git/resolve-remote.ts'
import type { Session } from '../../git/session-record.ts'
import type { Destination } from './destination.ts'
import { type Asking, forgeOf, openForge } from './forge-of.ts'

/** The repository that a pull request is opened in. */
export type RequestTarget = {
  forge: ForgeRepository
  /** The repository that has the branch, such as `['eve', 'tools']`; null when that is the same. */
  fork: readonly string[] | null
}

/**
 * Returns where a pull request of a pushed branch is opened: in the repository of the remote `into`; without it in
 * the one that the pushed repository is a fork of, if that is a remote too; else in the pushed one.
 */
export async function targetOf(
  session: Session,
  { url }: Pick<Destination, 'url'>,
  { into, signal }: { into?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<RequestTarget> {
  const { gitDir, user } = await openRepository(session.folder)
  const asking = { account: await findAccount(user), signal }
  const pushed = await forgeOf(url, asking)
  if (!pushed) {
    throw new UserError(
      `no GitHub, GitLab, Gitea or Forgejo answers at ${terminalLine(url, 120)}`,
      { hint: 'push the branch, and open the pull request in a browser' },
    )
  }
  const remotes = await readRemotes(gitDir)
  const names =
    into === undefined
      ? await originOf(pushed, remotes, asking)
      : await namesOf(chooseRemote(remotes, into), pushed, asking)
  if (into !== undefined && names === null) {
    throw new UserError(`${terminalLine(into, 60)} is not at ${pushed.host}, where the branch is`, {
      hint: 'push to a remote of the same host, with --remote',
      exitCode: 2,
    })
  }
  if (names === null || isSame(names, pushed)) {
    return { forge: openForge(pushed, asking), fork: null }
  }
  const forge = openForge({ ...pushed, repository: names }, asking)
  return { forge, fork: pushed.repository }
}

/** Returns the repository that another one was forked from, if it is a remote of the user; null without one. */
async function originOf(
  pushed: Forge,
  remotes: readonly Remote[],
  asking: Asking,
): Promise<readonly string[] | null> {
  const all = await Promise.all(
    remotes.map(remote => namesOf(remote, pushed, asking).catch(() => null)),
  )
  const others = all.flatMap(names => (names && !isSame(names, pushed) ? [names] : []))
  if (others.length === 0) return null
  for (const origin of await openForge(pushed, asking).origins()) {
    const found = others.find(names => isSame(names, { repository: origin.split('/') }))
    if (found) return found
  }
  return null
}

/** Returns the repository of a remote; null at another host. Asks no host: its kind is known. */
async function namesOf(
  { url }: Remote,
  { kind, web }: Forge,
  { account }: Asking,
): Promise<readonly string[] | null> {
  const found = await findForge(await resolveRemote(url, { account }), { kind })
  // ssh has another port than the pages.
  const isHere = found !== null && new URL(found.web).hostname === new URL(web).hostname
  return isHere ? found.repository : null
}

function isSame(names: readonly string[], { repository }: Pick<Forge, 'repository'>): boolean {
  return names.join('/').toLowerCase() === repository.join('/').toLowerCase()
}
