import { access, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { type Log, step } from '../base/log.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { replaceFile } from '../files/replace-file.ts'
import { exec, execOk } from '../process/exec.ts'
import { readBaseline, renderBaseline } from '../workspace/copy/baseline.ts'
import { describeCopied, renderCopied } from '../workspace/copy/copied.ts'
import type { Entry } from '../workspace/copy/entry.ts'
import { type Packed, type Progress, packWorkspace } from '../workspace/copy/pack.ts'
import { packRepository } from '../workspace/copy/pack-repository.ts'
import type { Reader } from '../workspace/copy/reader.ts'
import { baselinePath, readCopyRecord } from '../workspace/copy/record.ts'
import { readUserIgnore } from '../workspace/ignore/git-files.ts'
import { type Elsewhere, locateRepository } from '../workspace/repository/locate.ts'
import type { OpenedWorkspace } from '../workspace/workspace.ts'
import { type StackState, serviceOf } from './inspect.ts'
import { agentServices } from './services.ts'
import type { StateFolder } from './state/state-folder.ts'

export type CopyContext = {
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
    /** Leaves out files that git does not know. */
    trackedOnly?: boolean
  },
): Promise<'taken' | 'kept'> {
  const { workspace, state, log } = context
  // The whole baseline of a large copy takes a second to read; it tells a damaged one from none.
  const place = baselinePath(state)
  if (!options.fresh && ((await readCopyRecord(place)) ?? (await readBaseline(place))))
    return 'kept'
  const { path, agent } = workspace
  const content = await step(log, `copying ${path} into the container`, async progress => {
    await emptyCopy(context)
    const repository = await locateRepository(path, context.secrets)
    const gitFile = repository.kind === 'elsewhere' ? join(path, '.git') : null
    const reader = await readerFor(path)
    const { tar, packed } = packWorkspace(path, agent, {
      ...(reader && { reader }),
      excludes: options.excludes,
      trackedOnly: options.trackedOnly ?? false,
      userIgnore: await readUserIgnore(),
      isSecret: path => path === gitFile || context.secrets.includes(path),
      progress: every(progressInterval, (files, bytes) => progress(renderCopied(files, bytes))),
    })
    const taken = new Date().toISOString()
    const [content] = await Promise.all([packed, unpackCopy(context, tar)])
    await removeTorn(context, content.torn)
    if (repository.kind === 'elsewhere') await copyRepository(context, repository, content, reader)
    await replaceFile(place, renderBaseline({ taken, owner: agent, ...content }))
    return content
  })
  for (const message of describeCopied(content)) log(message)
  return 'taken'
}

/** Returns the user for whom root copies the folder; null for root's own folder, and if we are not root. */
async function readerFor(path: string): Promise<Reader | null> {
  if (process.getuid?.() !== 0) return null
  const { uid } = await stat(path)
  if (uid === 0) return null
  // An unknown user is in no group.
  const { code, stdout } = await exec('id', ['-G', `+${uid}`], { cwd: '/', timeout: 10_000 })
  return { uid, gids: code === 0 ? stdout.trim().split(' ').map(Number) : [] }
}

/** Milliseconds between two lines of progress. */
export const progressInterval = 200

/** Passes on a report of progress at most once in that time. */
export function every(milliseconds: number, report: Progress): Progress {
  let next = 0
  return (files, bytes) => {
    if (performance.now() < next) return
    next = performance.now() + milliseconds
    report(files, bytes)
  }
}

/** The file `.git` names a path of the host: the copy gets the repository in its place. */
async function copyRepository(
  context: CopyContext,
  repository: Elsewhere,
  content: Packed,
  reader: Reader | null,
) {
  content.leftOut.splice(content.leftOut.indexOf('.git'), 1)
  const { path, agent } = context.workspace
  const { tar, packed } = packRepository(path, repository, agent, reader ?? undefined)
  const [tree] = await Promise.all([packed, unpackCopy(context, tar)])
  for (const [path, entry] of tree) {
    content.tree.set(path, entry)
    if (entry.type === 'file') content.bytes += entry.size
  }
}

/** In which the container must take or finish a piece of the copy. A slow disk takes seconds. */
const patience = 60_000

/**
 * Unpacks `tar` in the copy, by the container's own `tar` and as its user, who can change these files anyway:
 * the engine takes twice as long for many small files. Modes are those of the entries.
 */
export async function unpackCopy(
  { docker, container, signal }: Pick<CopyContext, 'docker' | 'container' | 'signal'>,
  tar: Readable,
) {
  // The container's environment may have options of the user for tar.
  const place = ['exec', '--interactive', '--env', 'TAR_OPTIONS=', container]
  const unpack = [
    '/usr/bin/tar',
    '--extract',
    '--directory',
    '/workspace',
    '--preserve-permissions',
  ]
  const options = { env: docker.env, input: tar, timeout: patience, ...(signal && { signal }) }
  await execOk(docker.file, [...place, ...unpack], options)
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

/**
 * Updates the baseline of `paths` after an apply, when the copy and the host agree on them. Returns false when
 * the copy is gone or was taken at another time than `taken`.
 */
export async function moveBaseline(
  state: StateFolder,
  moved: readonly { path: string; after?: Entry | null }[],
  /** Update only when the copy still dates from this time. */
  taken?: string,
): Promise<boolean> {
  const baseline = await readBaseline(baselinePath(state))
  if (!baseline || (taken !== undefined && baseline.taken !== taken)) return false
  for (const { path, after } of moved) {
    if (after) baseline.tree.set(path, after)
    else baseline.tree.delete(path)
  }
  await replaceFile(baselinePath(state), renderBaseline(baseline))
  return true
}
