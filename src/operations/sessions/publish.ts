import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { findSigner } from '../../credentials/signer.ts'
import { tokenFor } from '../../credentials/token-for.ts'
import { findForge } from '../../git/forge/find-forge.ts'
import { createForgeRepository } from '../../git/forge/forge-repository.ts'
import type { PullRequest } from '../../git/forge/pull-request.ts'
import { type PushResult, push } from '../../git/push/push.ts'
import { notePushed } from '../../git/pushed-commit.ts'
import { chooseRemote, readRemotes } from '../../git/remotes.ts'
import { type HostRepository, openRepository, readHead } from '../../git/repository.ts'
import { resolveRemote } from '../../git/resolve-remote.ts'
import type { Session } from '../../git/session-record.ts'
import { signedTip } from '../../git/signed-tip.ts'
import { readTips } from '../../git/tips.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'

/** Where a session goes: a branch of a remote. */
export type Destination = { remote: string; url: string; branch: string }

/** Returns the branch of the remote that a session is pushed to, unless a person names another. */
export async function destinationOf(
  session: Session,
  { remote, branch }: { remote?: string | undefined; branch?: string | undefined } = {},
): Promise<Destination> {
  const repository = await openRepository(session.folder)
  const chosen = chooseRemote(await readRemotes(repository.gitDir), remote)
  return {
    remote: chosen.name,
    url: chosen.pushUrl,
    branch: branch ?? session.remoteBranch ?? session.branch,
  }
}

export type Pushed = PushResult & { branch: string; commit: string }

/** Pushes a commit of a session, which a person has seen, to its destination. Call it after their yes. */
export async function pushSession(
  session: Session,
  { url, branch }: Destination,
  commit: string,
  options: { force?: boolean; sign?: boolean; signal?: AbortSignal } = {},
): Promise<Pushed> {
  const repository = await openRepository(session.folder)
  const { branch: current } = await readHead(repository)
  const state = stateFolder(session.stack)
  const wanted = options.sign ? await sign(session, repository, commit) : commit
  const result = await push({
    ...{ gitDir: repository.gitDir, folder: session.folder, commit: wanted, url, branch },
    protectedBranches: current === null ? [] : [current],
    // A person who began with a branch of the remote works on that branch.
    allowProtected: session.remoteBranch !== null && branch === session.remoteBranch,
    force: options.force ?? false,
    login: tokenFor,
    scratch: state.path,
    ...(options.signal && { signal: options.signal }),
  })
  await notePushed(session.stack, commit)
  return { ...result, branch, commit: wanted }
}

/** Returns the commit that takes its place with the user's signature on each commit of the session. */
async function sign(session: Session, repository: HostRepository, commit: string) {
  const { base } = await readTips(repository, session.session)
  const record = join(stateFolder(session.stack).path, 'signed-commits')
  const signer = await findSigner()
  return (await signedTip(repository, { base, tip: commit, signer, record })).tip
}

export type PullRequestText = { title: string; body: string; base?: string; draft?: boolean }

/** Opens a pull request for a branch that was pushed, or returns the open one. */
export async function openPullRequest(
  session: Session,
  { url, branch }: Destination,
  { title, body, base, draft }: PullRequestText,
  signal?: AbortSignal,
): Promise<{ pullRequest: PullRequest; opened: boolean; word: string }> {
  const repository = await forgeOf(url, signal)
  const into = base ?? session.target ?? (await repository.defaultBranch())
  if (into === branch) {
    throw new UserError(`a pull request of ${terminalLine(branch)} into itself is not possible`, {
      hint: 'name another branch with --base',
      exitCode: 2,
    })
  }
  const request = { title, body, head: branch, base: into, ...(draft && { draft }) }
  return { ...(await repository.open(request)), word: repository.word }
}

async function forgeOf(url: string, signal: AbortSignal | undefined) {
  const more = signal ? { signal } : {}
  const forge = await findForge(await resolveRemote(url), more)
  if (forge) return createForgeRepository(forge, { login: tokenFor, ...more })
  throw new UserError(`no GitHub, GitLab, Gitea or Forgejo answers at ${terminalLine(url, 120)}`, {
    hint: 'open the pull request in a browser; the branch was pushed',
  })
}
