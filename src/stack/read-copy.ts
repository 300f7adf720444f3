import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { Archive } from '../engine/archive.ts'
import { type Baseline, readBaseline } from '../workspace/copy/baseline.ts'
import {
  type Change,
  copyChanges,
  gitDataChanged,
  newRepositories,
} from '../workspace/copy/changes.ts'
import { sameEntry, type Tree } from '../workspace/copy/entry.ts'
import { isGitPath } from '../workspace/copy/git-files.ts'
import { textLimit } from '../workspace/copy/host-state.ts'
import type { Progress } from '../workspace/copy/pack.ts'
import { baselinePath } from '../workspace/copy/record.ts'
import { type CopiedItem, IncompleteCopy, type Keep, readCopy } from '../workspace/copy/unpack.ts'
import type { StateFolder } from './state/state-folder.ts'

/** A copy, through a container that has its volume at /workspace. */
export type CopyPlace = { archive: Archive; container: string; signal?: AbortSignal }

export type CopyState = {
  baseline: Baseline
  tree: Tree
  changes: Change[]
  gitChanged: boolean
  /** Folders that git would take for repositories since the agent's changes. */
  repositories: readonly string[]
  /** Contents of changed files, as far as they were requested and fit into memory. */
  contents: ReadonlyMap<string, Buffer>
}

/** Maximum bytes of contents that are kept from the first reading, and of one file. */
const keptBytes = { all: 64 * 1024 * 1024, file: textLimit }

/** Returns the agent's changes since the copy was made; null when there is no copy. */
export async function readCopyChanges(
  context: CopyPlace & { state: StateFolder },
  options: { contents?: boolean; progress?: Progress } = {},
): Promise<CopyState | null> {
  const baseline = await readBaseline(baselinePath(context.state))
  if (!baseline) return null
  const tree: Tree = new Map()
  const contents = new Map<string, Buffer>()
  let room = keptBytes.all
  // Whether a file changed is known after its last byte; a second reading of all files takes as long.
  const keep = (path: string): Keep | null =>
    options.contents && !isGitPath(path)
      ? { kind: 'memory', limit: Math.min(keptBytes.file, room) }
      : null
  let bytes = 0
  const take = ({ path, entry, content }: CopiedItem) => {
    tree.set(path, entry)
    options.progress?.(tree.size, bytes)
    if (!content || sameEntry(entry, baseline.tree.get(path))) return
    contents.set(path, content)
    room -= content.length
  }
  const check = (path: string, size: number) => {
    const known = baseline.tree.get(path)
    if (size > fileLimit && !(known?.type === 'file' && known.size === size)) {
      throw tooLarge(path, size)
    }
  }
  const restart = () => {
    tree.clear()
    contents.clear()
    room = keptBytes.all
    bytes = 0
  }
  const onContent = (read: number) => {
    bytes += read
    options.progress?.(tree.size, bytes)
  }
  await readCopyItems(context, keep, take, { check, onContent, restart })
  const gitChanged = gitDataChanged(baseline.tree, tree)
  const changes = copyChanges(baseline.tree, tree, baseline.leftOut)
  const repositories = newRepositories(baseline, tree)
  return { baseline, tree, changes, gitChanged, repositories, contents }
}

/** Larger files of the agent are not read: a sparse file takes no room in the copy, and hours to read. */
const fileLimit = 4 * 1024 ** 3

function tooLarge(path: string, size: number) {
  const sizes = `${Math.ceil(size / 1024 ** 3)} GiB, more than ${fileLimit / 1024 ** 3} GiB`
  return new UserError(`the agent made ${terminalLine(path)} in the copy as large as ${sizes}`, {
    hint: `run ${command('shell')} and remove it or make it smaller`,
  })
}

/** Maximum readings of a copy in which an agent is at work. */
const readings = 4

/**
 * Passes the files and symlinks of the copy to `take`, with content where `keep` returns a place. Starts
 * again, after `restart`, when a file shrank meanwhile: the engine's archive ends there.
 */
export async function readCopyItems(
  { archive, container, signal }: CopyPlace,
  keep: (path: string) => Keep | null,
  take: (item: CopiedItem) => void | Promise<void>,
  options: {
    /** Throws for a file that must not be read. */
    check?: (path: string, size: number) => void
    onContent?: (bytes: number) => void
    restart?: () => void
  } = {},
): Promise<void> {
  for (let reading = 1; ; reading++) {
    try {
      const tar = await archive.get(container, '/workspace', signal)
      for await (const item of readCopy(tar, keep, options.check, options.onContent)) {
        await take(item)
      }
      return
    } catch (error) {
      if (!(error instanceof IncompleteCopy)) throw error
      if (reading === readings) throw stillMoving(error)
      options.restart?.()
    }
  }
}

function stillMoving(cause: IncompleteCopy) {
  return new UserError(
    `${terminalLine(cause.path)} in the copy shrank each time that it was read`,
    { hint: 'wait until the agent pauses or end its session, then run the command again', cause },
  )
}

/**
 * Fetches contents from the copy, each into a file in `folder` named by its hash. Skips files that
 * changed since `tree` was read: the user has not seen them. Returns the hashes that are there.
 */
export async function stageContents(
  context: CopyPlace & Pick<CopyState, 'contents'>,
  tree: Tree,
  wanted: ReadonlySet<string>,
  folder: string,
  progress: Progress = () => {},
): Promise<Set<string>> {
  const staged = new Set<string>()
  for (const [path, content] of context.contents) {
    const entry = tree.get(path)
    if (entry?.type !== 'file' || !wanted.has(entry.sha256) || staged.has(entry.sha256)) continue
    await writeFile(join(folder, entry.sha256), content, { mode: 0o600 })
    staged.add(entry.sha256)
  }
  if (staged.size === wanted.size) return staged
  let next = 0
  const isWanted = (path: string) => {
    const entry = tree.get(path)
    return entry?.type === 'file' && wanted.has(entry.sha256) && !staged.has(entry.sha256)
  }
  const keep = (path: string): Keep | null =>
    isWanted(path) ? { kind: 'file', path: join(folder, `${next++}.part`), limit: fileLimit } : null
  const read = { files: 0, bytes: 0 }
  const take = async ({ entry, file }: CopiedItem) => {
    read.files++
    if (file === undefined || entry.type !== 'file') return
    await rename(file, join(folder, entry.sha256))
    staged.add(entry.sha256)
  }
  await readCopyItems(context, keep, take, {
    onContent(bytes) {
      read.bytes += bytes
      progress(read.files, read.bytes)
    },
    restart() {
      read.files = read.bytes = 0
    },
  })
  return staged
}
