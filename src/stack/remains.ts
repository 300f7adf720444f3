import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../base/errors.ts'
import { createArchive } from '../engine/archive.ts'
import type { DockerClient } from '../engine/client-find.ts'
import type { Engine } from '../engine/engine.ts'
import { withUnstarted } from '../engine/throw-away.ts'
import { parseHome } from './conversations.ts'
import type { MachineStack } from './machine.ts'
import { stateFolder } from './state/state-folder.ts'
import { readCopyChanges } from './workspace-copy.ts'

/** What a stopped stack left, and what of it is nowhere else. */
export type Remains = {
  stack: MachineStack
  /** Home volumes, in which conversations and the agent's own files are. */
  homes: number
  copy: CopyRemains | null
  /** Results of runs, and applies that can be undone. */
  runs: number
  applies: number
}

/** `unknown`: it could not be looked at, or nothing is there to compare with. */
export type CopyRemains =
  | { kind: 'applied' }
  | { kind: 'unapplied'; changes: number; git: boolean }
  | { kind: 'unknown'; reason: string }

/** Whether something of a copy would be lost for good. */
export function holdsWork({ copy }: Remains): boolean {
  return copy !== null && copy.kind !== 'applied'
}

export async function lookAtRemains(
  context: { engine: Engine; docker: DockerClient },
  stack: MachineStack,
  image: () => Promise<string>,
): Promise<Remains> {
  const volumes = stack.volumes ?? []
  const { path } = stateFolder(stack.stack)
  const entries = (name: string) => readdir(join(path, name)).catch(() => [])
  const hasCopy = volumes.includes(copyVolume(stack))
  const [runs, applies, copy] = await Promise.all([
    entries('runs'),
    entries('applies'),
    hasCopy ? lookAtCopy(context, stack, image) : null,
  ])
  return {
    stack,
    homes: volumes.filter(name => parseHome(stack.stack, name)).length,
    copy,
    runs: runs.length,
    applies: applies.length,
  }
}

function copyVolume({ stack }: MachineStack) {
  return `${stack}_workspace`
}

/** Through a container that is never started: what is in the copy was made by an agent. */
async function lookAtCopy(
  { engine, docker }: { engine: Engine; docker: DockerClient },
  stack: MachineStack,
  image: () => Promise<string>,
): Promise<CopyRemains> {
  const mounts = [{ volume: copyVolume(stack), target: '/workspace' }]
  const purpose = `looking at the copy in ${copyVolume(stack)}`
  try {
    const archive = createArchive(engine.address)
    const state = stateFolder(stack.stack)
    const options = { image: await image(), mounts, purpose }
    const found = await withUnstarted(docker, options, container =>
      readCopyChanges({ archive, container, state }),
    )
    if (!found) return { kind: 'unknown', reason: 'what it was made from is not remembered' }
    const { changes, gitChanged } = found
    return changes.length === 0 && !gitChanged
      ? { kind: 'applied' }
      : { kind: 'unapplied', changes: changes.length, git: gitChanged }
  } catch (error) {
    return { kind: 'unknown', reason: messageOf(error) }
  }
}
