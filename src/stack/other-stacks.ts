import { readdir, readFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import * as z from 'zod'
import type { StateFolder } from './state/state-folder.ts'

/** Files of a state folder that record the mounts and placeholders of one folder of the host. */
export const mountRecords = ['protection.json', 'repository.json'] as const

const paths = z.array(z.object({ path: z.string() }))
const MountRecord = z.object({ workspace: z.string(), placeholders: paths, overlays: paths })

export type OtherStacks = {
  /** Absolute paths of the placeholders that they made or share. */
  placeholders: Set<string>
  /** Absolute paths that their containers mount. */
  mounted: Set<string>
}

/**
 * Returns what the other stacks record. Stacks of two worktrees of one repository mount the same paths of
 * it: the first to stop must not remove a placeholder under the mounts of the second.
 */
export async function otherStacks(state: Pick<StateFolder, 'path'>): Promise<OtherStacks> {
  const found: OtherStacks = { placeholders: new Set(), mounted: new Set() }
  const stacks = dirname(state.path)
  const names = await readdir(stacks).catch(() => [])
  const others = names.filter(name => name !== basename(state.path))
  await Promise.all(
    others.flatMap(stack =>
      mountRecords.map(async record => {
        const text = await readFile(join(stacks, stack, record), 'utf8').catch(() => null)
        const { workspace, placeholders, overlays } = parse(text)
        for (const { path } of placeholders) found.placeholders.add(join(workspace, path))
        for (const { path } of overlays) found.mounted.add(join(workspace, path))
      }),
    ),
  )
  return found
}

/** A missing or damaged record has nothing that is known to be shared. */
function parse(text: string | null): z.infer<typeof MountRecord> {
  try {
    return MountRecord.parse(JSON.parse(text ?? ''))
  } catch {
    return { workspace: '', placeholders: [], overlays: [] }
  }
}
