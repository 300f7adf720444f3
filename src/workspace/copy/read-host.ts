import { lstat, opendir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import {
  readIgnoreFile,
  readIgnoreFilesAbove,
  readInfoExclude,
  readTracked,
} from '../ignore/git-files.ts'
import { createIgnoreRules, type IgnoreJudge, type IgnoreRules } from '../ignore/rules.ts'

export type HostItem =
  | { kind: 'folder'; path: string }
  | { kind: 'link'; path: string; target: string }
  | { kind: 'file'; path: string; size: number; executable: boolean }
  /** A folder ends with a slash, and nothing below it is copied. */
  | { kind: 'left-out'; path: string }

export type Selection = {
  excludes?: readonly string[]
  /** The user's own ignore file. */
  userIgnore?: string
  /** Leaves out paths with our secrets, regardless of the rules. */
  isSecret?: (absolutePath: string) => boolean
}

/**
 * Walks the files and symlinks below `root`, parents first, and reports left-out paths. Skips sockets,
 * pipes and devices, which have no content to copy. `rules` is complete after the walk.
 */
export function walkHost(root: string, { excludes = [], userIgnore = '', isSecret }: Selection) {
  const judge = createIgnoreRules({
    excludes: [...excludes],
    files: [],
    repositories: [],
    user: userIgnore,
  })
  const walker: Walker = { root, judge, isSecret: isSecret ?? (() => false), tracked: new Map() }
  return { items: walk(walker), rules: (): IgnoreRules => judge.rules }
}

type Walker = {
  root: string
  judge: IgnoreJudge
  isSecret: (absolutePath: string) => boolean
  /** Tracked paths by repository folder; read on the first ignored path, which may be tracked. */
  tracked: Map<string, Promise<Set<string>>>
}

/** Judgement that a folder passes to its contents; `out` still includes tracked and wanted files. */
type Inherited = 'in' | 'out' | 'wanted'

async function* walk(walker: Walker): AsyncGenerator<HostItem> {
  for (const file of await readIgnoreFilesAbove(walker.root)) walker.judge.addFile(file)
  yield* walkFolder(walker, '', '', 'in')
}

async function* walkFolder(
  walker: Walker,
  folder: string,
  outer: string,
  inherited: Inherited,
): AsyncGenerator<HostItem> {
  const { root, judge } = walker
  const repository = await enterFolder(walker, folder, outer)
  for await (const item of await opendir(join(root, folder))) {
    const path = folder === '' ? item.name : `${folder}/${item.name}`
    const isFolder = item.isDirectory()
    const verdict = walker.isSecret(join(root, path))
      ? null
      : await decide(walker, path, isFolder, repository, inherited)
    if (verdict === null) yield { kind: 'left-out', path: isFolder ? `${path}/` : path }
    else if (isFolder) {
      yield { kind: 'folder', path }
      yield* walkFolder(walker, path, repository, verdict)
    } else if (item.isSymbolicLink()) {
      yield { kind: 'link', path, target: await readlink(join(root, path)) }
    } else if (item.isFile()) {
      const { size, mode } = await lstat(join(root, path))
      yield { kind: 'file', path, size, executable: (mode & 0o100) !== 0 }
    }
  }

  /** Adds the ignore files of a folder; returns the folder of its repository. */
  async function enterFolder({ root }: Walker, folder: string, outer: string) {
    if (/(^|\/)\.git(\/|$)/.test(folder)) return outer
    const own = await readIgnoreFile(root, folder)
    if (own) judge.addFile(own)
    const isRepository =
      folder !== '' && (await lstat(join(root, folder, '.git')).catch(() => null)) !== null
    if (isRepository) judge.addRepository(folder)
    if (isRepository || folder === '') {
      const exclude = await readInfoExclude(root, folder)
      if (exclude) judge.addFile(exclude)
    }
    return isRepository ? folder : outer
  }
}

/** Returns null to leave a path out. Returns `out` only for folders with something to include below. */
async function decide(
  walker: Walker,
  path: string,
  isFolder: boolean,
  repository: string,
  inherited: Inherited,
): Promise<Inherited | null> {
  const judgement = walker.judge.judge(path, isFolder)
  if (judgement === 'excluded') return null
  if (judgement === 'wanted' || inherited === 'wanted') return 'wanted'
  if (judgement === 'in' && inherited === 'in') return 'in'
  const tracked = await trackedOf(walker, repository)
  if (!isFolder) return tracked.has(path) ? 'in' : null
  return tracked.has(`${path}/`) || walker.judge.mayBeWantedBelow(path) ? 'out' : null
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
