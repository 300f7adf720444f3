import { access, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Log, step } from '../base/log.ts'
import type { Archive } from '../engine/archive.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { replaceFile } from '../files/replace-file.ts'
import { execOk } from '../process/exec.ts'
import {
  type Baseline,
  baselinePath,
  readBaseline,
  readCopyRecord,
  renderBaseline,
} from '../workspace/copy/baseline.ts'
import { type Change, copyChanges, gitDataChanged } from '../workspace/copy/changes.ts'
import { describeCopied, renderCopied } from '../workspace/copy/copied.ts'
import { type Entry, sameEntry, type Tree } from '../workspace/copy/entry.ts'
import { isGitPath } from '../workspace/copy/git-files.ts'
import { textLimit } from '../workspace/copy/host-state.ts'
import { type Packed, type Progress, packWorkspace } from '../workspace/copy/pack.ts'
import { packRepository } from '../workspace/copy/pack-repository.ts'
import { type CopiedItem, type Keep, readCopy } from '../workspace/copy/unpack.ts'
import { readUserIgnore } from '../workspace/ignore/git-files.ts'
import { type Elsewhere, locateRepository } from '../workspace/repository/locate.ts'
import type { OpenedWorkspace } from '../workspace/workspace.ts'
import { type StackState, serviceOf } from './inspect.ts'
import { agentServices } from './services.ts'
import type { StateFolder } from './state/state-folder.ts'

export type CopyContext = {
  archive: Archive
  docker: DockerClient
  /** Id of a container that has the copy's volume at /workspace. */
  container: string
  workspace: OpenedWorkspace
  state: StateFolder
  /** Host files and folders that are left out: they hold claude-secure's secrets. */
  secrets: readonly string[]
  log: Log
  signal?: AbortSignal
}

/** Returns a container through which to reach the copy, preferably a running one; both have its volume. */
export function copyContainer(stack: StackState): string | null {
  const agents = agentServices.map(name => serviceOf(stack, name))
  const agent = agents.find(found => found?.state === 'running') ?? agents.find(Boolean)
  return agent?.container ?? null
}

/** Returns whether this folder was opened as a copy before. */
export async function copyExists(state: StateFolder): Promise<boolean> {
  return access(baselinePath(state)).then(
    () => true,
    () => false,
  )
}

/**
 * Makes the copy when there is none, or replaces it with `fresh`. The baseline is written last, so that
 * an interrupted copy is made again.
 */
export async function ensureCopy(
  context: CopyContext,
  options: {
    fresh: boolean
    /** Patterns in .gitignore syntax for files to leave out in addition to ignored ones. */
    excludes: readonly string[]
  },
): Promise<'taken' | 'kept'> {
  const { archive, container, workspace, state, log, signal } = context
  // The whole baseline of a large copy takes a second to read; it tells a damaged one from none.
  const place = baselinePath(state)
  if (!options.fresh && ((await readCopyRecord(place)) ?? (await readBaseline(place))))
    return 'kept'
  const { path, agent } = workspace
  const content = await step(log, `copying ${path} into the container`, async progress => {
    await emptyCopy(context)
    const repository = await locateRepository(path, context.secrets)
    const gitFile = repository.kind === 'elsewhere' ? join(path, '.git') : null
    const { tar, packed } = packWorkspace(path, agent, {
      excludes: options.excludes,
      userIgnore: await readUserIgnore(),
      isSecret: path => path === gitFile || context.secrets.includes(path),
      progress: every(progressInterval, (files, bytes) => progress(renderCopied(files, bytes))),
    })
    const taken = new Date().toISOString()
    const [content] = await Promise.all([packed, archive.put(container, '/workspace', tar, signal)])
    await removeTorn(context, content.torn)
    if (repository.kind === 'elsewhere') await copyRepository(context, repository, content)
    await replaceFile(place, renderBaseline({ taken, owner: agent, ...content }))
    return content
  })
  for (const message of describeCopied(content)) log(message)
  return 'taken'
}

/** Milliseconds between two lines of progress. */
const progressInterval = 200

function every(milliseconds: number, report: Progress): Progress {
  let next = 0
  return (files, bytes) => {
    if (performance.now() < next) return
    next = performance.now() + milliseconds
    report(files, bytes)
  }
}

/** The file `.git` names a path of the host: the copy gets the repository in its place. */
async function copyRepository(
  { archive, container, workspace, signal }: CopyContext,
  repository: Elsewhere,
  content: Packed,
) {
  content.leftOut.splice(content.leftOut.indexOf('.git'), 1)
  const { tar, packed } = packRepository(workspace.path, repository, workspace.agent)
  const [tree] = await Promise.all([packed, archive.put(container, '/workspace', tar, signal)])
  for (const [path, entry] of tree) content.tree.set(path, entry)
}

/** Removes the files of an interrupted copy, or of the one that a fresh copy replaces. */
async function emptyCopy({ docker, container, signal }: CopyContext) {
  await execOk(
    docker.file,
    ['exec', container, 'find', '/workspace', '-mindepth', '1', '-delete'],
    { env: docker.env, signal },
  )
}

/** Removes files whose content changed during each reading. */
async function removeTorn({ docker, container, signal }: CopyContext, paths: readonly string[]) {
  for (let first = 0; first < paths.length; first += 100) {
    const places = paths.slice(first, first + 100).map(path => `/workspace/${path}`)
    const args = ['exec', container, 'rm', '--force', '--', ...places]
    await execOk(docker.file, args, { env: docker.env, signal })
  }
}

export type CopyState = {
  baseline: Baseline
  tree: Tree
  changes: Change[]
  gitChanged: boolean
  /** Contents of changed files, as far as they were requested and fit into memory. */
  contents: ReadonlyMap<string, Buffer>
}

/** Maximum bytes of contents that are kept from the first reading, and of one file. */
const keptBytes = { all: 64 * 1024 * 1024, file: textLimit }

/** Returns the agent's changes since the copy was made; null when there is no copy. */
export async function readCopyChanges(
  context: Pick<CopyContext, 'archive' | 'container' | 'state' | 'signal'>,
  options: { contents?: boolean } = {},
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
  for await (const { path, entry, content } of copyItems(context, keep)) {
    tree.set(path, entry)
    if (!content || sameEntry(entry, baseline.tree.get(path))) continue
    contents.set(path, content)
    room -= content.length
  }
  const gitChanged = gitDataChanged(baseline.tree, tree)
  const changes = copyChanges(baseline.tree, tree)
  return { baseline, tree, changes, gitChanged, contents }
}

/** Yields the files and symlinks of the copy, with content where `keep` returns true. */
export async function* copyItems(
  { archive, container, signal }: Pick<CopyContext, 'archive' | 'container' | 'signal'>,
  keep: (path: string) => Keep | null,
): AsyncGenerator<CopiedItem> {
  yield* readCopy(await archive.get(container, '/workspace', signal), keep)
}

/** Larger files stay in the copy. */
const fileLimit = 4 * 1024 ** 3

/**
 * Fetches contents from the copy, each into a file in `folder` named by its hash. Skips files that
 * changed since `tree` was read: the user has not seen them. Returns the hashes that are there.
 */
export async function stageContents(
  context: Pick<CopyContext, 'archive' | 'container' | 'signal'> & Pick<CopyState, 'contents'>,
  tree: Tree,
  wanted: ReadonlySet<string>,
  folder: string,
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
  const items = copyItems(context, path =>
    isWanted(path)
      ? { kind: 'file', path: join(folder, `${next++}.part`), limit: fileLimit }
      : null,
  )
  for await (const { entry, file } of items) {
    if (file === undefined || entry.type !== 'file') continue
    await rename(file, join(folder, entry.sha256))
    staged.add(entry.sha256)
  }
  return staged
}

/** Updates the baseline of `paths` after an apply, when the copy and the host agree on them. */
export async function moveBaseline(
  state: StateFolder,
  moved: readonly { path: string; after?: Entry | null }[],
  /** Update only when the copy still dates from this time. */
  taken?: string,
) {
  const baseline = await readBaseline(baselinePath(state))
  if (!baseline || (taken !== undefined && baseline.taken !== taken)) return
  for (const { path, after } of moved) {
    if (after) baseline.tree.set(path, after)
    else baseline.tree.delete(path)
  }
  await replaceFile(baselinePath(state), renderBaseline(baseline))
}
