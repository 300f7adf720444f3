import type { Stats } from 'node:fs'
import { lstat, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { readGitConfig } from '../../config/git-config.ts'
import { isWithin, overlaps } from '../../files/beneath.ts'
import { namesWorktree, readGitFile, readLine, sameFolder } from './git-pointers.ts'

/** A repository whose `.git` folder is not in the workspace, but that belongs to it. */
export type Elsewhere = {
  kind: 'elsewhere'
  /** Real path of the folder with `config`, `hooks`, `objects` and `refs`. */
  common: string
  /** Name of the workspace's entry in `worktrees`, if it is a linked worktree. */
  worktree: string | null
}

export type Repository =
  /** `.git` is a folder of the workspace, or missing. */
  | { kind: 'own' }
  | Elsewhere
  /** The workspace is a subfolder of a repository, of which git needs the rest. */
  | { kind: 'above'; top: string }
  /** `.git` names something that is not mounted. */
  | { kind: 'refused'; named: string; problem: string; hint: string }

/**
 * Finds the repository of a folder. The `.git` file is a part of the workspace, so it may name anything
 * (threat H2): the repository counts only when it names the folder back, has the same owner, and is not
 * one of the `forbidden` paths. Runs no git in the repository and changes nothing.
 */
export async function locateRepository(
  workspace: string,
  forbidden: readonly string[] = [],
): Promise<Repository> {
  const file = join(workspace, '.git')
  const status = await lstat(file).catch(() => null)
  if (!status || (await isPlaceholder(file, status))) {
    const top = await repositoryAbove(workspace)
    return top === null ? { kind: 'own' } : { kind: 'above', top }
  }
  if (!status.isFile()) return { kind: 'own' }
  const named = await readGitFile(file)
  const refused = (problem: string, hint: string): Repository => ({
    kind: 'refused',
    named: named ?? '',
    problem,
    hint,
  })
  if (named === null) return refused('is not a .git file', 'remove that file, or clone again')
  const gitDir = await realpath(resolve(workspace, named)).catch(() => null)
  if (gitDir === null) {
    return refused('does not exist', 'run git worktree repair in the main repository')
  }
  const found = await describe(gitDir)
  if (!found) return refused('is not a repository', 'name the .git folder of a repository')
  const { common, worktree } = found
  if (isWithin(common, workspace)) {
    return refused('is around this folder', 'move the folder out of its repository')
  }
  const owner = (await stat(workspace)).uid
  for (const path of [common, gitDir]) {
    if ((await stat(path)).uid === owner) continue
    return refused('belongs to another user', 'give both folders the same owner')
  }
  if (forbidden.some(path => overlaps(common, path))) {
    return refused('holds files of claude-secure itself', 'run start --copy to work on a copy')
  }
  // A folder inside the workspace is the agent's anyway.
  if (isWithin(workspace, common) || (await namesBack(gitDir, found, workspace))) {
    return { kind: 'elsewhere', common, worktree }
  }
  return refused(
    'does not name this folder back',
    worktree === null
      ? `if it is the repository of this folder, run git --git-dir=${quoted(gitDir)} config core.worktree ${quoted(workspace)}`
      : 'if it is the repository of this folder, run git worktree repair there',
  )
}

/** Returns whether `.git` is empty, such as the one that a running stack puts there. */
async function isPlaceholder(path: string, status: Stats) {
  if (status.isFile()) return status.size === 0
  return status.isDirectory() && !(await lstat(join(path, 'HEAD')).catch(() => null))
}

/**
 * Returns the configuration that git on the host obeys in a folder with a `.git` file, whether or not the
 * repository names the folder back.
 */
export async function namedConfig(workspace: string): Promise<string | null> {
  const named = await readGitFile(join(workspace, '.git'))
  const gitDir = named && (await realpath(resolve(workspace, named)).catch(() => null))
  const found = gitDir ? await describe(gitDir) : null
  return found && join(found.common, 'config')
}

function namesBack(gitDir: string, { common, worktree }: Found, workspace: string) {
  return worktree === null ? isWorktreeOf(common, workspace) : namesWorktree(gitDir, workspace)
}

type Found = Omit<Elsewhere, 'kind'>

/** Returns null unless the folder has git's shape: a repository, or an entry in its `worktrees`. */
async function describe(gitDir: string): Promise<Found | null> {
  const commondir = await readLine(join(gitDir, 'commondir'))
  // A running stack puts a `commondir` with a dot into repositories.
  if (commondir === null || commondir === '.') {
    return (await isRepository(gitDir)) ? { common: gitDir, worktree: null } : null
  }
  const common = dirname(dirname(gitDir))
  const isEntry =
    basename(dirname(gitDir)) === 'worktrees' &&
    (await sameFolder(resolve(gitDir, commondir), common)) &&
    (await lstat(join(gitDir, 'HEAD')).catch(() => null))?.isFile()
  return isEntry && (await isRepository(common)) ? { common, worktree: basename(gitDir) } : null
}

async function isRepository(path: string): Promise<boolean> {
  const found = await Promise.all(
    ['HEAD', 'config', 'objects', 'refs'].map(name => lstat(join(path, name)).catch(() => null)),
  )
  const [head, config, objects, refs] = found
  return Boolean(
    head?.isFile() && config?.isFile() && objects?.isDirectory() && refs?.isDirectory(),
  )
}

/** Returns whether core.worktree names the folder, as in the repository of a submodule. */
async function isWorktreeOf(gitDir: string, folder: string) {
  const config = join(gitDir, 'config')
  const value = await readGitConfig(['--file', config, '--no-includes', '--get', 'core.worktree'])
  const named = value.replace(/\n$/, '')
  return named !== '' && sameFolder(resolve(gitDir, named), folder)
}

/** Returns the nearest parent folder that has a `.git`. */
async function repositoryAbove(workspace: string): Promise<string | null> {
  for (let folder = dirname(workspace); ; folder = dirname(folder)) {
    if (await readLine(join(folder, '.git/HEAD'))) return folder
    if (await readGitFile(join(folder, '.git'))) return folder
    if (folder === dirname(folder)) return null
  }
}

/** Quotes a path for the shell of a person who pastes it. */
function quoted(path: string) {
  return /^[\w./@:+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}
