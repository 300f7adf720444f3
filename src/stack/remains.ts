import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../base/errors.ts'
import { createArchive } from '../engine/archive.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { withCreatedContainer } from '../engine/throwaway-container.ts'
import { parseHome } from './conversations.ts'
import type { ListedStack } from './stack-list.ts'
import { stateFolder } from './state/state-folder.ts'
import { readCopyChanges } from './workspace-copy.ts'

/** Data that a stopped stack left behind, and whether it exists nowhere else. */
export type Remains = {
  stack: ListedStack
  /** Home volumes, which hold conversations and the agent's own files. */
  homes: number
  copy: CopyRemains | null
  /** Run results, and applies that can be undone. */
  runs: number
  applies: number
}

/** `unknown`: the copy could not be read, or there is no baseline to compare it with. */
export type CopyRemains =
  | { kind: 'applied' }
  | { kind: 'unapplied'; changes: number; git: boolean }
  | { kind: 'unknown'; reason: string }

/** Returns whether removing the stack would permanently lose changes in its copy. */
export function hasUnappliedWork({ copy }: Remains): boolean {
  return copy !== null && copy.kind !== 'applied'
}

export async function readRemains(
  context: { engine: Engine; docker: DockerClient; signal?: AbortSignal },
  stack: ListedStack,
  image: () => Promise<string>,
): Promise<Remains> {
  const volumes = stack.volumes ?? []
  const { path } = stateFolder(stack.stack)
  const entries = (name: string) => readdir(join(path, name)).catch(() => [])
  const hasCopy = volumes.includes(copyVolume(stack))
  const [runs, applies, copy] = await Promise.all([
    entries('runs'),
    entries('applies'),
    hasCopy ? readCopyRemains(context, stack, image) : null,
  ])
  return {
    stack,
    homes: volumes.filter(name => parseHome(stack.stack, name)).length,
    copy,
    runs: runs.length,
    applies: applies.length,
  }
}

function copyVolume({ stack }: ListedStack) {
  return `${stack}_workspace`
}

/** Reads the copy through a container that is never started: an agent wrote its contents. */
async function readCopyRemains(
  { engine, docker, signal }: { engine: Engine; docker: DockerClient; signal?: AbortSignal },
  stack: ListedStack,
  image: () => Promise<string>,
): Promise<CopyRemains> {
  const mounts = [{ volume: copyVolume(stack), target: '/workspace' }]
  const purpose = `reading the copy in ${copyVolume(stack)}`
  try {
    const archive = createArchive(engine.address)
    const state = stateFolder(stack.stack)
    const options = { image: await image(), mounts, purpose }
    const found = await withCreatedContainer(docker, options, container =>
      readCopyChanges({ archive, container, state, ...(signal && { signal }) }),
    )
    if (!found) return { kind: 'unknown', reason: 'its baseline is missing' }
    const { changes, gitChanged } = found
    return changes.length === 0 && !gitChanged
      ? { kind: 'applied' }
      : { kind: 'unapplied', changes: changes.length, git: gitChanged }
  } catch (error) {
    signal?.throwIfAborted()
    return { kind: 'unknown', reason: messageOf(error) }
  }
}
