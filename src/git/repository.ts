import { lstat, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { lastLine, terminalLine } from '../base/terminal-text.ts'
import { userEnvironment } from '../config/environment.ts'
import { capture } from '../process/capture.ts'
import { locateRepository } from '../workspace/repository/locate.ts'
import { createClosedGit, type GitPlace } from './closed-git.ts'

/** The repository of a folder on the host. */
export type HostRepository = GitPlace & {
  /** The folder with its files. */
  folder: string
  /** Real path of the folder with `objects` and `refs`, which worktrees share. */
  gitDir: string
  /** The folder with the `HEAD` of this worktree. */
  headDir: string
  /** The owner of the repository if we are root and it is another user: git must not make files of root there. */
  user: { uid: number; gid: number } | null
}

/** Returns the repository at the top of a folder, which is a real path; null when the folder has none. */
export async function findRepository(folder: string): Promise<HostRepository | null> {
  const found = await locateRepository(folder)
  if (found.kind === 'above') {
    throw new UserError(`${terminalLine(folder)} is a part of a repository`, {
      hint: `go to its top folder ${terminalLine(found.top)}, then run this command again`,
    })
  }
  if (found.kind === 'refused') {
    throw new UserError(`.git in ${terminalLine(folder)} ${found.problem}`, {
      hint: terminalLine(found.hint, 1_000),
    })
  }
  if (found.kind === 'elsewhere') {
    const { common, worktree } = found
    const headDir = worktree === null ? common : join(common, 'worktrees', worktree)
    return { folder, gitDir: common, headDir, user: await ownerOf(common) }
  }
  const gitDir = join(folder, '.git')
  const status = await lstat(gitDir).catch(() => null)
  if (!status) return null
  if (!status.isDirectory()) {
    throw new UserError(`${terminalLine(gitDir)} is not a folder`, {
      hint: 'replace it by the folder of the repository',
    })
  }
  if (!(await lstat(join(gitDir, 'HEAD')).catch(() => null))) return null
  return { folder, gitDir, headDir: gitDir, user: await ownerOf(gitDir) }
}

/** Returns the repository of a folder; throws when it has none. */
export async function openRepository(folder: string): Promise<HostRepository> {
  const found = await findRepository(folder)
  if (found) return found
  throw new UserError(`${terminalLine(folder)} is not a git repository`, {
    hint: `run git init there, or run ${command('start')} to work without branches`,
  })
}

async function ownerOf(path: string) {
  if (process.getuid?.() !== 0) return null
  const { uid, gid } = await stat(path)
  return uid === 0 ? null : { uid, gid }
}

/** Makes an empty repository in a folder, as the folder's owner, without the user's template of hooks. */
export async function initRepository(folder: string): Promise<void> {
  const { PATH } = userEnvironment()
  const env = { PATH, HOME: '/dev/null', GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' }
  const args = ['-c', 'init.defaultBranch=main', 'init', '--quiet', '--template=']
  const options = { env, cwd: folder, user: await ownerOf(folder), limit: 64 * 1024 }
  const { code, stderr } = await capture('git', args, options)
  if (code === 0) return
  throw new UserError(`cannot make a repository: ${lastLine(stderr)}`, {
    hint: 'check the owner of the folder, or run git init there',
  })
}

export type ObjectFormat = 'sha1' | 'sha256'

/** Returns the hash that names the objects of a repository. */
export async function objectFormatOf(repository: GitPlace): Promise<ObjectFormat> {
  const format = await createClosedGit(repository).ask(['rev-parse', '--show-object-format'])
  if (format === 'sha1' || format === 'sha256') return format
  throw new UserError(`${terminalLine(repository.gitDir)} is not a repository that git can read`, {
    hint: 'run git fsck in it',
  })
}

/** Returns the commit that is checked out, and its branch; null for the commit before the first one. */
export async function readHead({ headDir, user }: HostRepository): Promise<{
  commit: string | null
  branch: string | null
}> {
  const git = createClosedGit({ gitDir: headDir, user })
  // A worktree's HEAD is in a folder of its own, whose `commondir` leads to the rest.
  const commit = await git.ask(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])
  const branch = await git.ask(['symbolic-ref', '--short', '--quiet', 'HEAD'])
  return { commit, branch }
}

/** Returns whether a text is the name of a commit or another object. */
export function isObjectId(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text)
}
