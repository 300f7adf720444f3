import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { type Account, findAccount } from '../../config/account.ts'
import { userEnvironment } from '../../config/environment.ts'
import { readGitConfig } from '../../config/git-config.ts'
import { findSigner } from '../../credentials/signer.ts'
import type { PullRequest } from '../../git/forge/pull-request.ts'
import { type PushResult, push } from '../../git/push/push.ts'
import { notePushed } from '../../git/pushed-commit.ts'
import { type HostRepository, openRepository, readHead } from '../../git/repository.ts'
import type { Session } from '../../git/session-record.ts'
import { signedTip } from '../../git/signed-tip.ts'
import { readTips } from '../../git/tips.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import type { Destination } from './destination.ts'
import { loginOf } from './forge-of.ts'
import { type RequestTarget, targetOf } from './request-target.ts'

export type Pushed = PushResult & { branch: string; commit: string }

/** Pushes a commit of a session, which a person has seen, to its destination. Call it after their yes. */
export async function pushSession(
  session: Session,
  { url, branch, isItsBeginning }: Destination,
  commit: string,
  options: { force?: boolean; sign?: boolean; signal?: AbortSignal } = {},
): Promise<Pushed> {
  const repository = await openRepository(session.folder)
  const { branch: current } = await readHead(repository)
  const state = stateFolder(session.stack)
  const account = await findAccount(repository.user)
  const wanted = options.sign ? await sign(session, repository, { commit, account }) : commit
  const result = await push({
    ...{ gitDir: repository.gitDir, folder: session.folder, commit: wanted, url, branch },
    protectedBranches: current === null ? [] : [current],
    // A person who began with a branch of a remote works on that branch.
    allowProtected: isItsBeginning,
    force: options.force ?? false,
    ...{ account, login: loginOf(account) },
    scratch: state.path,
    ...(options.signal && { signal: options.signal }),
  })
  await notePushed(session.stack, commit)
  return { ...result, branch, commit: wanted }
}

/** Returns the commit that takes its place with the user's signature on each commit of the session. */
async function sign(
  session: Session,
  repository: HostRepository,
  { commit, account }: { commit: string; account: Account | null },
) {
  const { base } = await readTips(repository, session.session)
  const record = join(stateFolder(session.stack).path, 'signed-commits')
  const signer = await findSigner(userEnvironment(), readGitConfig, account)
  return (await signedTip(repository, { base, tip: commit, signer, record })).tip
}

export type PullRequestText = { title: string; body: string; base?: string; draft?: boolean }

/** Opens a pull request for a branch that was pushed, or returns the open one. */
export async function openPullRequest(
  session: Session,
  destination: Destination,
  { title, body, base, draft }: PullRequestText,
  { signal, target }: { signal?: AbortSignal; target?: RequestTarget } = {},
): Promise<{ pullRequest: PullRequest; opened: boolean; word: string }> {
  const { branch } = destination
  const { forge, fork } = target ?? (await targetOf(session, destination, { signal }))
  const into = base ?? session.target ?? (await forge.defaultBranch())
  if (into === branch && fork === null) {
    throw new UserError(`a pull request of ${terminalLine(branch)} into itself is not possible`, {
      hint: 'name another branch with --base',
      exitCode: 2,
    })
  }
  const request = { title, body, head: branch, base: into, ...(draft && { draft }) }
  return { ...(await forge.open({ ...request, ...(fork && { fork }) })), word: forge.word }
}
