import { dirname, resolve } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Account } from '../../config/account.ts'
import { readGitConfig } from '../../config/git-config.ts'
import { parseBranchName } from '../branch-name.ts'
import { checkToken, type FindLogin, mayHaveToken } from '../login.ts'
import { describeRemote, parseRemoteUrl, type RemoteUrl } from '../remote-url.ts'
import { pushFailure } from './push-failure.ts'
import { type PushRepository, target, withPushRepository } from './push-repository.ts'
import { readUserGitSettings, type UserGitSettings } from './push-settings.ts'
import { parseRemoteRefs } from './remote-refs.ts'

export type PushRequest = {
  /** The folder with the `objects` of the repository. */
  gitDir: string
  /** The commit that the user has seen: a reference could have moved since. */
  commit: string
  /** URL of the remote. A relative folder begins at `folder`, by default the one around `gitDir`. */
  url: string
  folder?: string
  branch: string
  /** Branches that the user is on; the default branch of the remote is always one of them. */
  protectedBranches?: readonly string[]
  /** Pushes to a protected branch too. */
  allowProtected?: boolean
  /** Replaces commits of the remote's branch that `commit` does not contain. */
  force?: boolean
  /** The owner of the repository, with whose keys and settings root pushes; null for ourselves. */
  account?: Account | null
  /** Finds the login of a host. Asked for https alone. */
  login: FindLogin
  /** A folder of the user alone, best in memory: it has the token during the push. */
  scratch: string
  /** Milliseconds of the push itself. */
  timeout?: number
  signal?: AbortSignal
  /** Default: the settings of the user's git. */
  settings?: UserGitSettings
}

export type PushResult = {
  outcome: 'created' | 'updated' | 'replaced' | 'unchanged'
  /** The commit that the branch had; null for a new branch. */
  before: string | null
  remote: RemoteUrl
  defaultBranch: string | null
  /** Lines of the remote, such as the address of a new pull request. Safe for a terminal. */
  messages: string[]
}

/** A hook, a monitor or a command of the other repository would run here, as the user. */
const closedReceive =
  'git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.alternateRefsCommand=true -c receive.autogc=false -c gc.auto=0 -c maintenance.auto=false receive-pack'

const messageLines = 20

/**
 * Pushes one commit to one branch of a remote. Throws a `UserError` that says who refused it and why; the
 * remote is then as before.
 */
export async function push(request: PushRequest): Promise<PushResult> {
  const { gitDir, commit, scratch, signal, account = null, folder = dirname(gitDir) } = request
  const branch = parseBranchName(request.branch)
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) {
    throw new Error(`${terminalLine(commit)} is not the id of a commit`)
  }
  const user = request.settings ?? (await readUserGitSettings(args => readGitConfig(args, account)))
  const url = fromFolder(request.url, folder)
  const objectFormat = commit.length === 40 ? 'sha1' : 'sha256'
  return withPushRepository(
    { gitDir, url, objectFormat, scratch, user, account, ...(signal && { signal }) },
    async repository => {
      const { remote, git } = repository
      const hadToken = await logIn(repository, request.login)
      const check = (result: { code: number; stdout: string; stderr: string }) => {
        if (result.code !== 0) throw pushFailure({ ...result, remote, branch, hadToken })
        return result
      }
      const receive = remote.transport === 'file' ? [`--receive-pack=${closedReceive}`] : []
      const refs = ['--symref', target, 'HEAD', `refs/heads/${branch}`]
      const listed = check(await git(['ls-remote', ...refs], { timeout: 60_000 }))
      const { defaultBranch, commit: before } = parseRemoteRefs(listed.stdout, branch)
      checkProtected(request, remote, defaultBranch)
      const done = { before, remote, defaultBranch }
      if (before === commit) return { ...done, outcome: 'unchanged', messages: [] }

      // Only the commit that was there a moment ago may be replaced.
      const lease = request.force ? [`--force-with-lease=refs/heads/${branch}:${before ?? ''}`] : []
      const { stdout, stderr } = check(
        await git(
          [
            ...['push', '--porcelain', '--no-verify', '--no-progress', ...receive, ...lease],
            ...[target, `${commit}:refs/heads/${branch}`],
          ],
          { timeout: request.timeout ?? 600_000 },
        ),
      )
      const replaced = /^\+\t/m.test(stdout)
      const outcome = before === null ? 'created' : replaced ? 'replaced' : 'updated'
      return { ...done, outcome, messages: messagesOf(stderr) }
    },
  )
}

/** Git starts in another folder here. */
function fromFolder(url: string, folder: string): string {
  const { transport, path } = parseRemoteUrl(url)
  return transport === 'file' ? resolve(folder, path) : url
}

/** Returns whether there is a token. Looks for it only where no one on the way can read it. */
async function logIn({ remote, useLogin }: PushRepository, find: FindLogin): Promise<boolean> {
  const { transport, host, port } = remote
  if (!mayHaveToken(`${transport}:`, host)) return false
  const name = port === null ? host : `${host}:${port}`
  const login = await find(name)
  if (login === null) return false
  checkToken(login.token, name)
  await useLogin(login)
  return true
}

function checkProtected(
  { branch, protectedBranches = [], allowProtected = false }: PushRequest,
  remote: RemoteUrl,
  defaultBranch: string | null,
) {
  if (allowProtected) return
  const reason =
    branch === defaultBranch
      ? `the default branch of ${describeRemote(remote)}`
      : protectedBranches.includes(branch)
        ? 'the branch that you are on'
        : null
  if (reason === null) return
  throw new UserError(`${terminalLine(branch)} is ${reason}`, {
    hint: 'push to another branch and open a pull request',
  })
}

function messagesOf(stderr: string): string[] {
  return stderr
    .split('\n')
    .filter(line => line.startsWith('remote:'))
    .map(line => terminalLine(line.slice('remote:'.length)).trim())
    .filter(line => line !== '')
    .slice(0, messageLines)
}
