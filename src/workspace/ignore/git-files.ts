import { lstat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { userEnvironment } from '../../config/environment.ts'
import { readGitConfig } from '../../config/git-config.ts'
import { isBelow } from '../../files/beneath.ts'
import { nameOfBytes, systemPath } from '../../files/byte-names.ts'
import { readRegularFile, textOf } from '../../files/regular-file.ts'
import { readLine } from '../repository/git-pointers.ts'
import { locateRepository } from '../repository/locate.ts'
import type { IgnoreRules } from './rules.ts'

/**
 * Returns the paths in git's index (versions 2 to 4); folders of a sparse index end with a slash. Null
 * when it is not an index, or has another format. Parsed here rather than by git: git obeys the
 * configuration of a repository that it opens, which an agent may have written (threat H1).
 */
export function parseGitIndex(index: Buffer): string[] | null {
  if (index.length < 12 || index.toString('latin1', 0, 4) !== 'DIRC') return null
  const version = index.readUInt32BE(4)
  const count = index.readUInt32BE(8)
  if (version < 2 || version > 4) return null
  // SHA-1 or SHA-256: the file does not record which.
  return readEntries(index, version, count, 20) ?? readEntries(index, version, count, 32)
}

function readEntries(index: Buffer, version: number, count: number, hash: number) {
  const paths: string[] = []
  let at = 12
  let last = Buffer.alloc(0)
  for (let entry = 0; entry < count; entry++) {
    const flagsAt = at + 40 + hash
    if (flagsAt + 4 > index.length) return null
    const extended = version >= 3 && (index.readUInt16BE(flagsAt) & 0x4000) !== 0
    let nameAt = flagsAt + (extended ? 4 : 2)
    let kept = Buffer.alloc(0)
    if (version === 4) {
      const dropped = readOffset(index, nameAt)
      if (!dropped || dropped.value > last.length) return null
      kept = last.subarray(0, last.length - dropped.value)
      nameAt = dropped.end
    }
    const end = index.indexOf(0, nameAt)
    if (end < 0) return null
    last = Buffer.concat([kept, index.subarray(nameAt, end)])
    const path = nameOfBytes(last)
    if (!isPath(path)) return null
    paths.push(path)
    // Padded with at least one NUL to a multiple of eight.
    at = version === 4 ? end + 1 : at + (((end - at) >> 3) + 1) * 8
  }
  return paths
}

/** Reads git's variable-length number of bytes to drop from the previous name. */
function readOffset(index: Buffer, at: number) {
  let value = 0
  for (let end = at; end < index.length && end < at + 5; end++) {
    const byte = index[end] ?? 0
    value = end === at ? byte & 127 : (value + 1) * 128 + (byte & 127)
    if (byte < 128) return { value, end: end + 1 }
  }
  return null
}

function isPath(path: string) {
  return (
    path !== '' && !path.startsWith('/') && path.split('/').every(part => !/^\.{1,2}$/.test(part))
  )
}

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
  const text = git && (await readExclude(git))
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
  const exclude = git && (await readExclude(git))
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
  const file = await readRegularFile(systemPath(path), { limit: bounds.ignoreFile, ...options })
  return file.kind === 'bytes' ? nameOfBytes(file.bytes) : null
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

/** Linked worktrees share the file of their repository. */
async function readExclude(git: string) {
  const linked = (await readLine(join(git, 'commondir'))) === '../..'
  return readIgnore(join(git, linked ? '../..' : '', 'info/exclude'))
}

async function readIndex(git: string): Promise<string[]> {
  const index = await readRegularFile(join(git, 'index'), { limit: bounds.index })
  return (index.kind === 'bytes' && parseGitIndex(index.bytes)) || []
}

/**
 * Returns the `.git` of a folder, or the target of a `.git` file. Outside `within` only for that folder
 * itself, from a repository that names it back.
 */
async function gitFolder(folder: string, within: string): Promise<string | null> {
  const git = join(folder, '.git')
  const status = await lstat(git).catch(() => null)
  if (status?.isDirectory()) return git
  if (!status?.isFile()) return null
  const text = textOf(await readRegularFile(git, { limit: bounds.gitFile })) ?? ''
  const named = /^gitdir: ([^\n\0]+)\n?$/.exec(text)?.[1]
  if (named === undefined) return null
  const path = resolve(folder, named)
  if (isBelow(within, path)) return path
  const found = folder === within ? await locateRepository(folder) : null
  return found?.kind === 'elsewhere' ? path : null
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
