import { lstat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { userEnvironment } from '../../config/environment.ts'
import { readGitConfig } from '../../config/git-config.ts'
import { readRegularFile, textOf } from '../../files/regular-file.ts'
import { isBelow } from '../../files/within.ts'
import { parseGitIndex } from './git-index.ts'
import type { IgnoreRules } from './rules.ts'

type IgnoreFile = IgnoreRules['files'][number]

const bounds = { ignoreFile: 1024 * 1024, index: 256 * 1024 * 1024, gitFile: 4096 }

/** Reads the `.gitignore` of one folder. */
export async function readIgnoreFile(root: string, folder: string): Promise<IgnoreFile | null> {
  const text = await readIgnore(join(root, folder, '.gitignore'))
  return text === null ? null : { folder, prefix: '', text }
}

/** Reads `info/exclude` of the repository in `folder`. */
export async function readInfoExclude(root: string, folder: string): Promise<IgnoreFile | null> {
  const git = await gitFolder(join(root, folder), root)
  const text = git && (await readIgnore(join(git, 'info/exclude')))
  return text === null ? null : { folder, prefix: '', text }
}

/** Reads the ignore files above the workspace that apply to it when it is part of a repository. */
export async function readIgnoreFilesAbove(root: string): Promise<IgnoreFile[]> {
  const top = await repositoryAbove(root)
  if (top === null) return []
  const found: IgnoreFile[] = []
  const from = (folder: string) => `${relative(folder, root)}${sep}`
  for (let folder = dirname(root); ; folder = dirname(folder)) {
    const text = await readIgnore(join(folder, '.gitignore'))
    if (text !== null) found.push({ folder: '', prefix: from(folder), text })
    if (folder === top) break
  }
  const git = await gitFolder(top, top)
  const exclude = git && (await readIgnore(join(git, 'info/exclude')))
  if (exclude !== null) found.push({ folder: '', prefix: from(top), text: exclude })
  return found
}

/** Reads the user's own ignore file: core.excludesFile of the user or the system, or git's default path. */
export async function readUserIgnore(): Promise<string> {
  const { HOME = homedir(), XDG_CONFIG_HOME } = userEnvironment()
  const asked = ['--includes', '--type=path', '--get', 'core.excludesFile']
  const named = (await readGitConfig(asked)).replace(/\n$/, '')
  const path = named || join(XDG_CONFIG_HOME || join(HOME, '.config'), 'git/ignore')
  // Often a symlink to a repository of dotfiles, which git follows too.
  return (await readIgnore(path, { follow: true })) ?? ''
}

async function readIgnore(path: string, options: { follow?: boolean } = {}) {
  return textOf(await readRegularFile(path, { limit: bounds.ignoreFile, ...options }))
}

/**
 * Returns the paths that the repository in `folder` tracks, relative to the workspace; none when the
 * index cannot be read. An empty `folder` also covers the repository that contains the workspace.
 */
export async function readTracked(root: string, folder: string): Promise<string[]> {
  const place = join(root, folder)
  const own = await gitFolder(place, root)
  if (own) {
    const paths = await readIndex(own)
    return folder === '' ? paths : paths.map(path => `${folder}/${path}`)
  }
  const top = folder === '' ? await repositoryAbove(root) : null
  const git = top && (await gitFolder(top, top))
  if (!top || !git) return []
  const prefix = `${relative(top, root)}/`
  const paths = await readIndex(git)
  return paths.filter(path => path.startsWith(prefix)).map(path => path.slice(prefix.length))
}

async function readIndex(git: string): Promise<string[]> {
  const index = await readRegularFile(join(git, 'index'), { limit: bounds.index })
  return (index.kind === 'bytes' && parseGitIndex(index.bytes)) || []
}

/** Returns the `.git` of a folder, or the target of a `.git` file; null when that is outside `within`. */
async function gitFolder(folder: string, within: string): Promise<string | null> {
  const git = join(folder, '.git')
  const status = await lstat(git).catch(() => null)
  if (status?.isDirectory()) return git
  if (!status?.isFile()) return null
  const text = textOf(await readRegularFile(git, { limit: bounds.gitFile })) ?? ''
  const named = /^gitdir: ([^\n\0]+)\n?$/.exec(text)?.[1]
  if (named === undefined) return null
  const path = resolve(folder, named)
  return isBelow(within, path) ? path : null
}

/** Returns the nearest parent that holds `.git`; null when the workspace has its own or there is none. */
async function repositoryAbove(root: string): Promise<string | null> {
  const holds = (folder: string) => lstat(join(folder, '.git')).catch(() => null)
  if (await holds(root)) return null
  for (let folder = dirname(root); folder !== dirname(folder); folder = dirname(folder)) {
    if (await holds(folder)) return folder
  }
  return null
}
