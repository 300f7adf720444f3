import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { openRootSync } from '../../files/beneath.ts'
import {
  type FolderEntry,
  nameOfBytes,
  readFolderSync,
  type SystemPath,
  systemPath,
} from '../../files/byte-names.ts'
import {
  readIgnoreFile,
  readIgnoreFilesAbove,
  readInfoExclude,
  readTracked,
} from '../ignore/git-files.ts'
import { createIgnoreRules, type IgnoreJudge, type IgnoreRules } from '../ignore/rules.ts'
import { isGitPath, isGitTransient } from './git-files.ts'
import { unlessGone } from './read-file.ts'
import { mayRead, type Reader } from './reader.ts'

export type HostItem =
  | { kind: 'folder'; path: string }
  | { kind: 'link'; path: string; target: string }
  /** `at` opens the file, and is valid until the next item is requested. */
  | { kind: 'file'; path: string; at: SystemPath }
  /** A folder ends with a slash, and nothing below it is copied. */
  | { kind: 'left-out'; path: string }
  /** It disappeared, or became something else, after its folder was listed. */
  | { kind: 'gone'; path: string }

export type Selection = {
  excludes?: readonly string[]
  /** The user's own ignore file. */
  userIgnore?: string
  /** Leaves out paths with our secrets, regardless of the rules. */
  isSecret?: (absolutePath: string) => boolean
  /** Leaves out files that git does not know, except those of git itself. */
  trackedOnly?: boolean
  /** Leaves out what this user cannot read; without one, everything that we can read is copied. */
  reader?: Reader
}

/**
 * Walks the files and symlinks below `root`, parents first, and reports left-out paths. Skips sockets,
 * pipes and devices, which have no content to copy. `rules` is complete after the walk. `again` walks
 * one folder of the first walk once more.
 *
 * Each folder is held open and its entries are reached through it, so that a folder that becomes a
 * symlink leads nowhere (threat H2). The calls are synchronous: a promise per call took five times as
 * long as the call.
 */
export function walkHost(
  root: string,
  { excludes = [], userIgnore = '', isSecret, reader, trackedOnly = false }: Selection,
) {
  const judge = createIgnoreRules({
    excludes: [...excludes],
    files: [],
    repositories: [],
    user: userIgnore,
  })
  const walker: Walker = {
    ...{ root, judge, isSecret: isSecret ?? (() => false), tracked: new Map(), trackedOnly },
    ...(reader && { reader }),
  }
  return {
    items: walk(walker),
    again: (folder: string) => walkAgain(walker, folder),
    rules: (): IgnoreRules => judge.rules,
  }
}

export type HostWalk = ReturnType<typeof walkHost>

type Walker = {
  root: string
  judge: IgnoreJudge
  isSecret: (absolutePath: string) => boolean
  trackedOnly: boolean
  reader?: Reader
  /** Tracked paths by repository folder; read on the first ignored path, which may be tracked. */
  tracked: Map<string, Promise<Set<string>>>
}

/** Judgement that a folder passes to its contents; `out` still includes tracked and wanted files. */
type Inherited = 'in' | 'out' | 'wanted'

/** A folder of the walk; `at` names its entries through its descriptor. */
type Folder = { path: string; repository: string; inherited: Inherited; descriptor: number }

const asFolder = constants.O_RDONLY | constants.O_DIRECTORY

async function* walk(walker: Walker): AsyncGenerator<HostItem> {
  for (const file of await readIgnoreFilesAbove(walker.root)) walker.judge.addFile(file)
  const descriptor = openRootSync(walker.root)
  const inherited = walker.trackedOnly ? 'out' : 'in'
  yield* walkFolder(walker, { path: '', repository: '', inherited, descriptor })
}

/** Walks a folder below the root again, without following a symlink on the way. */
async function* walkAgain(walker: Walker, path: string): AsyncGenerator<HostItem> {
  let descriptor = openRootSync(walker.root)
  for (const part of path.split('/')) {
    const next = openBelow(descriptor, part, path)
    closeSync(descriptor)
    if (next === null) return
    descriptor = next
  }
  yield* walkFolder(walker, { path, repository: '', inherited: 'in', descriptor })
}

/** Closes the folder's descriptor at its end. */
async function* walkFolder(walker: Walker, folder: Folder): AsyncGenerator<HostItem> {
  const { descriptor, inherited } = folder
  try {
    const entries = readFolderSync(`/proc/self/fd/${descriptor}/`)
    const names = new Set(entries.map(({ name }) => name))
    const repository = await enterFolder(walker, folder, names)
    for (const entry of entries) {
      const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`
      const isFolder = entry.isDirectory()
      if (!isFolder && isGitTransient(path)) continue
      const verdict = isClosed(walker, descriptor, entry, path)
        ? null
        : await decide(walker, path, isFolder, repository, inherited)
      if (verdict === null) yield { kind: 'left-out', path: isFolder ? `${path}/` : path }
      else if (isFolder) {
        const inner = openFor(walker, descriptor, entry.name, path)
        if (inner === null) yield { kind: 'gone', path: `${path}/` }
        else {
          yield { kind: 'folder', path }
          yield* walkFolder(walker, { path, repository, inherited: verdict, descriptor: inner })
        }
      } else if (entry.isSymbolicLink()) {
        const target = unlessGone(path, () =>
          nameOfBytes(readlinkSync(at(descriptor, entry.name), 'buffer')),
        )
        yield target === null ? { kind: 'gone', path } : { kind: 'link', path, target }
      } else if (entry.isFile()) {
        yield { kind: 'file', path, at: at(descriptor, entry.name) }
      }
    }
  } finally {
    closeSync(descriptor)
  }
}

/** Reports whether a path is left out regardless of the ignore rules. */
function isClosed(
  { root, isSecret, reader }: Walker,
  folder: number,
  entry: FolderEntry,
  path: string,
) {
  if (isSecret(join(root, path))) return true
  if (!reader || entry.isSymbolicLink()) return false
  const stats = lstatSync(at(folder, entry.name), { throwIfNoEntry: false })
  return stats !== undefined && !mayRead(reader, stats)
}

function at(descriptor: number, name: string) {
  return systemPath(`/proc/self/fd/${descriptor}/${name}`)
}

function openBelow(descriptor: number, name: string, path: string): number | null {
  return unlessGone(path, () => openSync(at(descriptor, name), asFolder | constants.O_NOFOLLOW))
}

/** Opens a folder; null when it is gone, or became one that the reader cannot enter after it was listed. */
function openFor({ reader }: Walker, descriptor: number, name: string, path: string) {
  const inner = openBelow(descriptor, name, path)
  if (inner === null || mayRead(reader, fstatSync(inner))) return inner
  closeSync(inner)
  return null
}

/** Adds the ignore files of a folder; returns the folder of its repository. */
async function enterFolder(
  { root, judge }: Walker,
  { path, repository }: Folder,
  names: ReadonlySet<string>,
) {
  if (isGitPath(path)) return repository
  const own = names.has('.gitignore') ? await readIgnoreFile(root, path) : null
  if (own) judge.addFile(own)
  const isRepository = path !== '' && names.has('.git')
  if (isRepository) judge.addRepository(path)
  if (isRepository || path === '') {
    const exclude = await readInfoExclude(root, path)
    if (exclude) judge.addFile(exclude)
  }
  return isRepository ? path : repository
}

/** Returns null to leave a path out. Returns `out` only for folders with something to include below. */
async function decide(
  walker: Walker,
  path: string,
  isFolder: boolean,
  repository: string,
  inherited: Inherited,
): Promise<Inherited | null> {
  // git does not list its own folder.
  if (walker.trackedOnly && isGitPath(path)) return 'in'
  const judgement = walker.judge.judge(path, isFolder)
  if (judgement === 'excluded') return null
  if (judgement === 'wanted' || inherited === 'wanted') return 'wanted'
  if (judgement === 'in' && inherited === 'in') return 'in'
  const tracked = await trackedOf(walker, repository)
  if (!isFolder) return tracked.has(path) ? 'in' : null
  // A submodule is tracked by the name of its folder.
  const holdsTracked = tracked.has(`${path}/`) || tracked.has(path)
  return holdsTracked || walker.judge.mayBeWantedBelow(path) ? 'out' : null
}

/** Returns the tracked files, and the folders that contain one, which end with a slash. */
function trackedOf({ root, tracked }: Walker, repository: string) {
  const known = tracked.get(repository)
  if (known !== undefined) return known
  const reading = readTracked(root, repository).then(paths => {
    const all = new Set<string>(paths)
    for (const path of paths) {
      for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
        const folder = path.slice(0, end + 1)
        if (all.has(folder)) break
        all.add(folder)
      }
    }
    return all
  })
  tracked.set(repository, reading)
  return reading
}
