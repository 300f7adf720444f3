import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { runThrowaway } from '../engine/throwaway-container.ts'
import type { StackIdentity } from './identity.ts'
import { services, tenantOf } from './services.ts'
import { refuseOtherVolumes, volumesOf } from './volumes.ts'

export type Home = {
  volume: string
  /** Origin of its conversations: sessions in a terminal, or runs. */
  of: 'sessions' | 'runs'
  /** Owner of all files in the volume. */
  uid: string
}

/**
 * Returns the home volumes of a stack, including those of former owners of its folder. Refuses a volume
 * that belongs to another stack.
 */
export async function homesOf(engine: Engine, identity: StackIdentity): Promise<Home[]> {
  const volumes = await volumesOf(engine, identity.name)
  refuseOtherVolumes(identity, volumes)
  return volumes.flatMap(({ Name }) => {
    const home = parseHome(identity.name, Name)
    return home ? [home] : []
  })
}

export function parseHome(stack: string, volume: string): Home | null {
  if (!volume.startsWith(`${stack}_`)) return null
  const [, name, uid] = /^(.+)-([1-9]\d*)$/.exec(volume.slice(stack.length + 1)) ?? []
  if (uid && name?.endsWith('-home') && tenantOf(name.slice(0, -'-home'.length)) !== null) {
    return { volume, uid, of: 'runs' }
  }
  const service = services.find(({ home }) => home?.volume === name)
  return service?.agent && uid ? { volume, uid, of: service.agent } : null
}

/** A volume that takes longer holds something other than one user's conversations. */
const timeoutMilliseconds = 120_000

/**
 * Removes the conversations in a home volume. Always uses a separate container, even while the stack
 * runs: it mounts only that volume, so no symlink in it leads to the workspace.
 */
export async function forgetConversations(
  { docker, root, signal }: { docker: DockerClient; root: string; signal?: AbortSignal },
  image: string,
  { volume, uid }: Home,
): Promise<void> {
  const program = await readFile(join(root, 'src/stack/inside/forget.ts'), 'utf8')
  const node = ['--disable-warning=ExperimentalWarning', '--input-type=module-typescript']
  await runThrowaway(
    docker,
    {
      image,
      user: `${uid}:${uid}`,
      mounts: [{ volume, target: '/home/claude' }],
      command: ['/usr/local/bin/node', ...node, '--eval', program, 'forget', '/home/claude'],
      purpose: `deleting the conversations in ${volume}`,
      timeout: timeoutMilliseconds,
    },
    signal,
  )
}
