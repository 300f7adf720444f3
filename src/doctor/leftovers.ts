import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { command } from '../base/command.ts'
import type { Engine } from '../engine/engine.ts'
import { isStackName } from '../stack/identity.ts'
import { inspectStacks } from '../stack/inspect.ts'
import { composeLabels, labels } from '../stack/labels.ts'
import { readOwner } from '../stack/state/owner.ts'
import { type Check, ok, warning } from './diagnosis.ts'

export type Leftovers = {
  /** State folders of removed stacks whose workspace is gone. */
  states: readonly string[]
  /** Stacks with networks but no container. */
  networks: readonly string[]
  /** Unused files in the folder of downloads. */
  cache: readonly string[]
}

export function judgeLeftovers({ states, networks, cache }: Leftovers): Check[] {
  const checks: Check[] = []
  const hint = `run ${command('doctor --fix')} to remove them`
  if (states.length > 0) {
    checks.push(
      warning('old-state', `state folders of deleted workspaces: ${states.length}`, hint, {
        kind: 'remove-files',
        paths: states,
      }),
    )
  }
  if (networks.length > 0) {
    checks.push(
      warning('old-networks', `networks without containers: ${networks.join(', ')}`, hint, {
        kind: 'remove-networks',
        stacks: networks,
      }),
    )
  }
  if (cache.length > 0) {
    checks.push(
      warning('old-downloads', `unused files in the download cache: ${cache.length}`, hint, {
        kind: 'remove-files',
        paths: cache,
      }),
    )
  }
  return checks.length > 0 ? checks : [ok('leftovers', 'no leftovers of removed stacks')]
}

/** A starting stack has networks first, and containers within seconds. */
const underWayMilliseconds = 10 * 60_000

/** Returns stacks whose start was cut off a while ago, before they had a container. */
export async function emptyStacks(engine: Engine, now = Date.now()): Promise<string[]> {
  const [networks, running] = await Promise.all([
    engine.networks([composeLabels.project]),
    inspectStacks(engine),
  ])
  const alive = new Set(running.map(({ stack }) => stack))
  const young = new Set<string>()
  const names = new Set<string>()
  for (const { Labels, Created } of networks) {
    const name = Labels?.[composeLabels.project] ?? ''
    if (!isStackName(name) || alive.has(name)) continue
    names.add(name)
    if (now - Date.parse(Created ?? '') < underWayMilliseconds) young.add(name)
  }
  return [...names].filter(name => !young.has(name)).sort()
}

const StackFile = z.object({
  services: z.object({ claude: z.object({ labels: z.record(z.string(), z.string()) }) }),
})

/**
 * Returns state folders without workspace, containers, networks and volumes. A workspace on a disk
 * that is not mounted now still has its volume, and keeps its state.
 */
export async function lostStates(
  state: string,
  alive: { stacks: readonly string[]; volumes: readonly string[] },
): Promise<string[]> {
  const folder = join(state, 'stacks')
  const names = await readdir(folder).catch(() => [])
  const lost = await Promise.all(
    names.map(async name => {
      if (alive.stacks.includes(name)) return null
      if (alive.volumes.some(volume => volume.startsWith(`${name}_`))) return null
      const workspace = await workspaceOf(name, join(folder, name))
      return workspace !== null && (await isGone(workspace)) ? join(folder, name) : null
    }),
  )
  return lost.filter(path => path !== null)
}

/** Returns null where the workspace is unknown; the state then counts as in use. */
async function workspaceOf(name: string, path: string) {
  const owner = await readOwner(name, { path }).catch(() => null)
  if (owner) return 'folder' in owner ? owner.folder : null
  try {
    const { parse } = await import('yaml')
    const { services } = StackFile.parse(parse(await readFile(join(path, 'stack.yaml'), 'utf8')))
    return services.claude.labels[labels.workspace]?.replaceAll('$$', '$') ?? null
  } catch {
    return null
  }
}

function isGone(path: string) {
  return access(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )
}
