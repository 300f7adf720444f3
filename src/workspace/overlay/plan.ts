import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { askedNames, mountedNames, type ProtectedName } from '../../config/protected-names.ts'
import { readRegularFile } from '../../files/regular-file.ts'
import { namedConfig } from '../repository/locate.ts'
import { readGitReferences } from './git-references.ts'
import { arrange, identityOf, type Overlay, type Placeholder, type Wanted } from './overlay.ts'

const folder: Placeholder = { kind: 'folder' }

/** Above this number, submodules or worktrees are read-only as a whole: each needs several mounts. */
const most = 32

/**
 * Maximum submodules of a repository, with those of submodules: the agent can nest folders that look like
 * them, and their number grows with a power of the depth.
 */
export const mostModules = 256

/** Maximum bytes of a path on Linux. */
const pathBytes = 4_096

/**
 * Plans the mounts over the workspace that keep the agent from changing files the host runs automatically
 * (threat H1). Changes nothing. Refuses symlinks: the engine follows them as root, and would show the
 * agent their targets (threat H2).
 */
export async function planOverlays(
  workspace: string,
  loosened: readonly ProtectedName[],
  also: readonly string[] = [],
): Promise<Overlay[]> {
  const wanted: Wanted[] = mountedNames
    .filter(name => name !== '.git' && !loosened.includes(name))
    .map(name => ({ path: name, name, placeholder: askedNames.includes(name) ? null : folder }))
  for (const path of also) wanted.push({ path, name: 'PROTECT_ALSO', placeholder: null })
  if (!loosened.includes('.git')) wanted.push(...(await gitWanted(workspace)))
  return planWanted(workspace, wanted)
}

/** Plans the mounts for paths below `root`; leaves out missing ones without a placeholder. */
export async function planWanted(root: string, wanted: readonly Wanted[]): Promise<Overlay[]> {
  const overlays: Overlay[] = []
  for (const { path, name, writable = false, placeholder } of arrange(wanted)) {
    const identity = await identify(root, path, name)
    if (identity === null && placeholder === null) continue
    overlays.push({ path, writable, identity, placeholder: placeholder ?? folder })
  }
  return overlays
}

async function gitWanted(workspace: string): Promise<Wanted[]> {
  const name = '.git'
  const wanted: Wanted[] = [
    // Without a .git repository, git treats a folder with HEAD, objects and refs as one, with its own
    // config. A folder named commondir in it makes git stop.
    { path: 'commondir', name, placeholder: folder },
  ]
  const isRepository =
    (await isFolder(join(workspace, '.git'))) && (await exists(join(workspace, '.git/HEAD')))
  // .git is missing or a file that names a repository elsewhere: only the host can create one here.
  if (!isRepository) wanted.push({ path: '.git', name, placeholder: folder })
  const config = isRepository ? join(workspace, '.git/config') : await namedConfig(workspace)
  if (config === null) return wanted
  const { references, worktreeConfig } = await readGitReferences(workspace, config)
  if (isRepository) wanted.push(...(await repositoryWanted(workspace, '.git', worktreeConfig)))
  for (const { path, setting, placeholder } of references) {
    // A word of a command is often not a path, or names more than a file: `.` is one of them.
    if (placeholder === null && !(await isNamed(join(workspace, path), setting))) continue
    if (path === '' || path === '.git') {
      throw new UserError(`${setting} in .git/config names the whole ${path || 'workspace'}`, {
        hint: 'name a folder in it, or set PROTECT=-.git in .env to protect nothing in .git',
      })
    }
    wanted.push({ path, name, placeholder })
  }
  return wanted
}

/** Plans one repository: the workspace's own, or that of a submodule. */
export async function repositoryWanted(
  workspace: string,
  path: string,
  worktreeConfig: boolean,
  budget = { modules: mostModules },
) {
  const name = '.git'
  const file = (content: string): Placeholder => ({ kind: 'file', content })
  const wanted: Wanted[] = [
    { path, name, writable: true, placeholder: null },
    { path: `${path}/config`, name, placeholder: file('') },
    { path: `${path}/hooks`, name, placeholder: folder },
    // Another content would send git to the config and hooks of another folder; `.` is this one.
    { path: `${path}/commondir`, name, placeholder: file('.') },
    { path: `${path}/config.worktree`, name, placeholder: worktreeConfig ? file('') : null },
  ]
  wanted.push(...(await worktreesWanted(workspace, `${path}/worktrees`, worktreeConfig)))
  const modules = await submodules(join(workspace, path, 'modules'))
  if (modules.length > Math.min(most, budget.modules)) {
    wanted.push({ path: `${path}/modules`, name, placeholder: null })
  } else {
    budget.modules -= modules.length
    for (const module of modules) {
      const inner = `${path}/modules/${module}`
      wanted.push(...(await repositoryWanted(workspace, inner, worktreeConfig, budget)))
    }
  }
  return wanted
}

/** Plans worktrees of the host. Those created in the container are not valid on the host. */
async function worktreesWanted(workspace: string, path: string, worktreeConfig: boolean) {
  const name = '.git'
  const names = await folders(join(workspace, path))
  const wanted: Wanted[] = []
  for (const worktree of names) {
    const gitdir = join(workspace, path, worktree, 'gitdir')
    const linked = await readRegularFile(gitdir, { limit: pathBytes }).catch(() => null)
    if (linked?.kind === 'bytes' && linked.bytes.toString().startsWith('/workspace/')) continue
    const folder = `${path}/${worktree}`
    for (const file of ['commondir', 'gitdir']) {
      wanted.push({ path: `${folder}/${file}`, name, placeholder: null })
    }
    const missing: Placeholder | null = worktreeConfig ? { kind: 'file', content: '' } : null
    wanted.push({ path: `${folder}/config.worktree`, name, placeholder: missing })
  }
  return wanted.length > most * 3 ? [{ path, name, placeholder: null } satisfies Wanted] : wanted
}

/** Returns names below `.git/modules`, which may contain slashes, including nested submodules. */
export async function submodules(path: string, depth = 0): Promise<string[]> {
  const found: string[] = []
  for (const name of await folders(path)) {
    if (await exists(join(path, name, 'HEAD'))) found.push(name)
    else if (depth < 5) {
      found.push(
        ...(await submodules(join(path, name), depth + 1)).map(inner => `${name}/${inner}`),
      )
    }
    if (found.length > most) break
  }
  return found
}

/** Returns the identity of the path; null when it is missing. Checks every part of the path. */
async function identify(workspace: string, path: string, name: Wanted['name']) {
  const instead =
    name === 'PROTECT_ALSO'
      ? `remove ${terminalLine(path)} from PROTECT_ALSO`
      : `set PROTECT=-${name} in .env`
  const parts = path.split('/')
  for (let length = 1; length <= parts.length; length++) {
    const part = parts.slice(0, length).join('/')
    const status = await lstat(join(workspace, part)).catch(unlessMissing)
    if (!status) return null
    const hint = `put a regular file or folder there, or ${instead}`
    if (status.isSymbolicLink()) {
      throw new UserError(`${terminalLine(part)} is a symlink and cannot be protected`, {
        hint,
      })
    }
    if (length < parts.length ? !status.isDirectory() : !status.isDirectory() && !status.isFile()) {
      throw new UserError(
        `${terminalLine(part)} is not a regular file or folder and cannot be protected`,
        {
          hint,
        },
      )
    }
    if (status.isFile() && status.nlink > 1) {
      throw new UserError(
        `${terminalLine(part)} has a second name (a hard link), which stays writable`,
        {
          hint: `replace it with a copy of itself, or ${instead}`,
        },
      )
    }
    if (length === parts.length) return identityOf(status)
  }
  return null
}

async function folders(path: string) {
  const entries = await readdir(path, { withFileTypes: true }).catch(unlessMissing)
  return (entries ?? []).filter(entry => entry.isDirectory()).map(entry => entry.name)
}

const isNamed = (path: string, setting: string) =>
  setting === 'core.hookspath' ? isFolder(path) : isFile(path)
const exists = async (path: string) => (await lstat(path).catch(unlessMissing)) !== null
const isFolder = async (path: string) =>
  (await lstat(path).catch(unlessMissing))?.isDirectory() ?? false
const isFile = async (path: string) => (await lstat(path).catch(unlessMissing))?.isFile() ?? false

function unlessMissing(error: NodeJS.ErrnoException) {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR' || error.code === 'ENAMETOOLONG')
    return null
  throw error
}
