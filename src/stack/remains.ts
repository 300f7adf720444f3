import { createHash } from 'node:crypto'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { lastLine } from '../base/terminal-text.ts'
import { createArchive } from '../engine/archive.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { withCreatedContainer } from '../engine/throwaway-container.ts'
import { exec } from '../process/exec.ts'
import { hasNewCommits } from '../workspace/copy/changes.ts'
import type { Tree } from '../workspace/copy/entry.ts'
import { baselinePath } from '../workspace/copy/record.ts'
import { serviceOfVolume } from './additions/added-service.ts'
import { parseHome } from './conversations.ts'
import { isStackName } from './identity.ts'
import { inspectStack } from './inspect.ts'
import { clearPlaceholders } from './protection.ts'
import { readCopyChanges } from './read-copy.ts'
import type { ListedStack } from './stack-list.ts'
import { keptInState, stateFolder } from './state/state-folder.ts'
import { stackExists, stopStack } from './stop.ts'
import { volumesOf } from './volumes.ts'

/** Data that a stopped stack left behind, and whether it exists nowhere else. */
export type Remains = {
  stack: ListedStack
  /** Home volumes, which hold conversations and the agent's own files. */
  homes: number
  /** Services beside the agent that left data. */
  data: string[]
  copy: CopyRemains | null
  /** Run results, and applies that can be undone. */
  runs: number
  applies: number
  /** Whether the folder has an allowlist and settings of its own. */
  own: { list: boolean; settings: boolean }
}

/** `unknown`: the copy could not be read, or there is no baseline to compare it with. */
export type CopyRemains =
  | { kind: 'applied' }
  /** `git`: its data changed at all, as by `git status`; `commits`: it has new objects or references. */
  /** `digest`: of all its files. */
  | { kind: 'unapplied'; changes: number; git: boolean; commits: boolean; digest: string }
  | { kind: 'unknown'; reason: string }

/** Returns whether removing the stack would permanently lose changes in its copy. */
export function hasUnappliedWork({ copy }: Pick<Remains, 'copy'>): boolean {
  return copy !== null && copy.kind !== 'applied'
}

export async function readRemains(
  context: { engine: Engine; docker: DockerClient; signal?: AbortSignal },
  stack: ListedStack,
  image: () => Promise<string>,
): Promise<Remains> {
  const volumes = stack.volumes ?? []
  const state = stateFolder(stack.stack)
  const entries = (name: string) => readdir(join(state.path, name)).catch(() => [])
  const holds = (file: string) =>
    stat(file).then(
      ({ size }) => size > 0,
      () => false,
    )
  const hasCopy = volumes.includes(copyVolume(stack.stack))
  const [runs, applies, copy, list, settings] = await Promise.all([
    entries('runs'),
    entries('applies'),
    hasCopy ? readCopyRemains(context, stack.stack, image) : null,
    holds(join(state.policy, 'grants.list')),
    holds(state.settings),
  ])
  return {
    stack,
    homes: volumes.filter(name => parseHome(stack.stack, name)).length,
    data: servicesWithData(stack.stack, volumes),
    copy,
    runs: runs.length,
    applies: applies.length,
    own: { list, settings },
  }
}

function servicesWithData(stack: string, volumes: readonly string[]): string[] {
  return [...new Set(volumes.flatMap(name => serviceOfVolume(stack, name) ?? []))].sort()
}

/** Returns the name of the volume that holds a stack's copy. */
export function copyVolume(stack: string) {
  return `${stack}_workspace`
}

/** Reads the copy through a container that is never started: an agent wrote its contents. */
export async function readCopyRemains(
  { engine, docker, signal }: { engine: Engine; docker: DockerClient; signal?: AbortSignal },
  stack: string,
  image: () => Promise<string>,
): Promise<CopyRemains> {
  const mounts = [{ volume: copyVolume(stack), target: '/workspace' }]
  const purpose = `reading the copy in ${copyVolume(stack)}`
  try {
    const archive = createArchive(engine.address)
    const state = stateFolder(stack)
    const options = { image: await image(), mounts, purpose }
    const found = await withCreatedContainer(docker, options, container =>
      readCopyChanges({ archive, container, state, ...(signal && { signal }) }),
    )
    if (!found) return { kind: 'unknown', reason: 'its baseline is missing' }
    const { baseline, tree, changes, gitChanged } = found
    const commits = hasNewCommits(baseline.tree, tree)
    return changes.length === 0 && !gitChanged
      ? { kind: 'applied' }
      : {
          kind: 'unapplied',
          changes: changes.length,
          git: gitChanged,
          commits,
          digest: digestOf(tree),
        }
  } catch (error) {
    signal?.throwIfAborted()
    return { kind: 'unknown', reason: messageOf(error) }
  }
}

function digestOf(tree: Tree): string {
  const hash = createHash('sha256')
  for (const [path, entry] of [...tree].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${JSON.stringify([path, entry])}\n`)
  }
  return hash.digest('hex')
}

/**
 * Removes all of a stopped stack: exited containers, networks, volumes, and its state folder except the
 * usage. Call it under the stack's lock; refuses a stack that is running again.
 */
export async function removeRemains(
  { engine, docker }: { engine: Engine; docker: DockerClient },
  stack: string,
  options: { log: Log; signal?: AbortSignal },
): Promise<void> {
  // The name becomes the path of the folder to remove.
  if (!isStackName(stack)) throw new Error(`${stack} is not the name of a stack`)
  const state = await inspectStack(engine, stack)
  if (state?.services.some(service => service.state !== 'exited')) {
    throw new UserError(`${stack} was started in the meantime`, {
      hint: `run ${command(`stop ${stack}`)} first`,
    })
  }
  if (await stackExists(engine, stack)) await stopStack(docker, stack, options)
  const volumes = await volumesOf(engine, stack)
  if (volumes.length > 0) await removeVolumes(docker, stack, volumes, options.signal)
  await removeState(stack, options.log)
}

/** Removes the copy of a stack that no longer uses it; an apply from it can still be undone. */
export async function removeCopy(docker: DockerClient, stack: string, signal?: AbortSignal) {
  await rm(baselinePath(stateFolder(stack)), { force: true })
  await removeVolumes(docker, stack, [{ Name: copyVolume(stack) }], signal)
}

async function removeVolumes(
  docker: DockerClient,
  stack: string,
  volumes: readonly { Name: string }[],
  signal: AbortSignal | undefined,
) {
  const args = ['volume', 'rm', '--', ...volumes.map(({ Name }) => Name)]
  const { code, stderr } = await exec(docker.file, args, { env: docker.env, signal })
  if (code === 0) return
  throw new UserError(`cannot remove the volumes of ${stack}: ${lastLine(stderr)}`, {
    hint: 'run docker ps --all --filter volume=NAME to see what uses them',
    cause: new Error(stderr),
  })
}

/** Removes placeholders in the workspace first: the state folder holds their list. */
async function removeState(stack: string, log: Log) {
  const state = stateFolder(stack)
  await clearPlaceholders(state, log)
  const entries = await readdir(state.path).catch(() => [])
  for (const name of entries.filter(name => !keptInState.includes(name))) {
    await rm(join(state.path, name), { recursive: true, force: true })
  }
  if (!entries.some(name => keptInState.includes(name))) {
    await rm(state.path, { recursive: true, force: true })
  }
}
