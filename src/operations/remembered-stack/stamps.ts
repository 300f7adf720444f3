import { lstatSync, readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { systemCode } from '../../base/errors.ts'
import { userEnvironment } from '../../config/environment.ts'
import type { ImageAdditions } from '../../config/image-additions.ts'
import { mountedNames, workspaceConfigNames } from '../../config/protected-names.ts'
import { readRegularFileSync, textOf } from '../../files/regular-file.ts'
import { listAdditions } from '../../images/additions.ts'
import { identityOf } from '../../workspace/overlay/overlay.ts'

/** Stamps every input that determines a stack. Secrets enter the stamp as a hash. */
export async function checkoutStamp(
  root: string,
  folder: string,
  settings: Record<string, string | undefined>,
): Promise<string> {
  const inputs = [
    'compose.yaml',
    'pins.json',
    '.env',
    '.build/bundle/stamp',
    ...['proxy', 'claude', 'gateway', 'additions'].flatMap(name => filesBelow(root, name)),
  ].map(path => {
    const status = statSync(join(root, path), { throwIfNoEntry: false })
    return [path, status && [status.ino, status.size, status.mtimeMs]]
  })
  const { uid, gid } = statSync(folder)
  return JSON.stringify([inputs, uid, gid, await hashed(settings)])
}

/** Stamps one file; a missing file has a stamp too. */
export function fileStamp(path: string): string {
  const status = statusOf(path)
  return JSON.stringify(status && [status.ino, status.size, status.mtimeMs])
}

/** Stamps the user's files that are built into the image. Reads no content: one `stat` for each file. */
export function imageAdditionsStamp(additions: ImageAdditions): string {
  const { scripts, context } = listAdditions(additions)
  return JSON.stringify(
    [scripts, context].map(files =>
      files?.map(({ path, stats }) => [path, stats.ino, stats.size, stats.mtimeMs, stats.mode]),
    ),
  )
}

/**
 * Stamps the files that have an overlay or would get one: changes when one appears, disappears or is
 * replaced on the host. Separate from the checkout's stamp, because a start creates some of these files.
 */
export function overlayStamp(folder: string): string {
  const paths = [...protectedInputs.map(path => join(folder, path)), ...repositoryInputs(folder)]
  return JSON.stringify(paths.map(identity))
}

/** Returns what a start reads of the repository that a `.git` file names; it is only looked at here. */
function repositoryInputs(folder: string): string[] {
  const file = readRegularFileSync(join(folder, '.git'), { limit: 8_192 })
  const named = /^gitdir: ([^\n\0]+)/.exec(textOf(file) ?? '')?.[1]
  if (named === undefined) return []
  const gitDir = resolve(folder, named)
  // Of a linked worktree, the second is the repository; of another one, it is a folder without these.
  return [gitDir, dirname(dirname(gitDir))].flatMap(place =>
    ['', 'config', 'hooks', 'gitdir'].map(name => join(place, name)),
  )
}

/** Stamps the user's additions that become files of the container: skills, programs, git identity, workspace configuration. */
export function additionsStamp(folder: string, workspace: string, home = homedir()): string {
  const { XDG_CONFIG_HOME } = userEnvironment()
  const skills = ['always-skills', '.always-skills', 'services'].filter(name =>
    statusOf(join(folder, name))?.isDirectory(),
  )
  const paths = [
    ...['', 'bin', ...skills.flatMap(name => filesBelow(folder, name))].map(name =>
      join(folder, name),
    ),
    ...[join(home, '.gitconfig'), '/etc/gitconfig'],
    join(XDG_CONFIG_HOME || join(home, '.config'), 'git/config'),
  ]
  const look = (path: string) => {
    const status = statusOf(path)
    return status && [path, status.ino, status.size, status.mtimeMs, status.mode]
  }
  // A folder in their place is our placeholder, which comes with the stack.
  const files = [...workspaceConfigNames, '.mcp.json']
    .map(name => join(workspace, name))
    .filter(path => !statusOf(path)?.isDirectory())
  return JSON.stringify([...paths, ...files].map(look).filter(Boolean))
}

const protectedInputs = [
  ...mountedNames,
  ...['config', 'hooks', 'commondir', 'HEAD', 'modules', 'worktrees'].map(name => `.git/${name}`),
]

function identity(path: string) {
  const status = statusOf(path)
  if (!status) return null
  // Each commit replaces HEAD; only its presence matters, which makes the folder a repository.
  return path.endsWith('/.git/HEAD') ? true : identityOf(status)
}

/** Returns the paths of the files below a folder of `root`, relative to it, in a stable order. */
function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(entry => {
      const path = `${folder}/${entry.name}`
      return entry.isDirectory() ? filesBelow(root, path) : [path]
    })
}

/** Returns the status, or null; also null below a linked worktree's `.git`, which is a file. */
function statusOf(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) ?? null
  } catch (error) {
    if (systemCode(error) === 'ENOTDIR') return null
    throw error
  }
}

async function hashed(settings: Record<string, string | undefined>) {
  if (Object.keys(settings).length === 0) return null
  // Loaded on demand: most starts have no settings in their environment.
  const { createHash } = await import('node:crypto')
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex')
}
