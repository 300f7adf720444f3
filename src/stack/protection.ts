import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { stateRoot } from '../config/paths.ts'
import { parseProtect } from '../config/protected-names.ts'
import type { Settings } from '../config/settings.ts'
import { replaceFile } from '../files/replace-file.ts'
import { identityOf, type Overlay } from '../workspace/overlay/overlay.ts'
import { makePlaceholders, removePlaceholders } from '../workspace/overlay/placeholders.ts'
import { planOverlays } from '../workspace/overlay/plan.ts'
import type { OpenedWorkspace } from '../workspace/workspace.ts'
import { otherStacks } from './other-stacks.ts'
import { clearRepository, hasRepository, lostRepositoryMounts } from './repository.ts'
import { type StateFolder, stateFolder } from './state/state-folder.ts'

const Placeholder = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('folder') }),
  z.strictObject({ kind: z.literal('file'), content: z.string() }),
])

/** The overlays of a stack, and the placeholders it made in the workspace for them. */
const Protection = z.strictObject({
  workspace: z.string(),
  placeholders: z.array(z.strictObject({ path: z.string(), placeholder: Placeholder })),
  overlays: z.array(z.strictObject({ path: z.string(), identity: z.string() })),
})
type Protection = z.infer<typeof Protection>

/** Returns the overlays for a workspace's present state; none for a copy, which the host never runs. */
export async function overlaysOf(
  workspace: OpenedWorkspace,
  settings: Pick<Settings, 'PROTECT'>,
): Promise<Overlay[]> {
  if (workspace.mode === 'copy') return []
  return planOverlays(workspace.path, parseProtect(settings.PROTECT) ?? [])
}

/**
 * Prepares the workspace for its overlays: removes the placeholders of an earlier stack, then lists the
 * missing ones for removal and makes them. Call it while no agent runs in the folder, because the
 * engine mounts a moment later the paths that are checked here.
 */
export async function prepareOverlays(
  workspace: OpenedWorkspace,
  settings: Pick<Settings, 'PROTECT'>,
  state: StateFolder,
): Promise<Overlay[]> {
  await clearPlaceholders(state)
  const planned = await overlaysOf(workspace, settings)
  const missing = planned.filter(({ identity }) => identity === null)
  const { placeholders: shared } = await otherStacks(state)
  const placeholders = planned
    .filter(({ path, identity }) => identity === null || shared.has(join(workspace.path, path)))
    .map(({ path, placeholder }) => ({ path, placeholder }))
  await remember(state, { workspace: workspace.path, placeholders, overlays: [] })
  try {
    await makePlaceholders(workspace.path, missing, workspace.agent)
    const overlays = await overlaysOf(workspace, settings)
    await remember(state, {
      workspace: workspace.path,
      placeholders,
      overlays: identities(overlays),
    })
    return overlays
  } catch (error) {
    await clearPlaceholders(state).catch(() => {})
    throw error
  }
}

function identities(overlays: readonly Overlay[]) {
  return overlays.map(({ path, identity }) => ({ path, identity: identity ?? '' }))
}

/**
 * Removes the overlays' placeholders, except those that another stack mounts. The stack's containers must
 * be gone: they mount them.
 */
export async function clearPlaceholders(state: StateFolder) {
  await clearRepository(state)
  const protection = await readProtection(state)
  if (!protection) return
  const { mounted } = await otherStacks(state)
  await removePlaceholders(
    protection.workspace,
    protection.placeholders.filter(({ path }) => !mounted.has(join(protection.workspace, path))),
  )
  await remember(state, { ...protection, placeholders: [], overlays: [] })
}

/**
 * Returns protected paths that lost their overlay: when a host program replaces a file (as `git config`
 * does), the kernel removes the mounts on it, and the agent can write the new file.
 */
export async function lostOverlays(state: StateFolder): Promise<string[]> {
  const protection = await readProtection(state)
  const elsewhere = await lostRepositoryMounts(state)
  if (!protection) return elsewhere
  const { workspace, overlays } = protection
  const now = await Promise.all(
    overlays.map(async ({ path, identity }) => {
      const status = await lstat(join(workspace, path)).catch(() => null)
      return status && identityOf(status) === identity ? [] : [path]
    }),
  )
  return [...now.flat(), ...elsewhere]
}

/** Returns the stacks with placeholders in a workspace, including those unknown to the engine. */
export async function stacksWithPlaceholders(root = stateRoot()): Promise<string[]> {
  const names = await readdir(join(root, 'stacks')).catch(() => [])
  const found = await Promise.all(
    names.map(async name => {
      const state = stateFolder(name, root)
      if (await hasRepository(state)) return [name]
      const protection = await readProtection(state)
      return protection && protection.placeholders.length > 0 ? [name] : []
    }),
  )
  return found.flat()
}

function listPath(state: Pick<StateFolder, 'path'>) {
  return join(state.path, 'protection.json')
}

async function remember(state: StateFolder, protection: Protection) {
  await replaceFile(listPath(state), JSON.stringify(protection))
}

/** Returns the protection recorded by a stack's last start; null when there was none. */
export async function readProtection(state: Pick<StateFolder, 'path'>): Promise<Protection | null> {
  try {
    return Protection.parse(JSON.parse(await readFile(listPath(state), 'utf8')))
  } catch {
    // Missing or unreadable: no placeholder is known to be ours, so none is removed.
    return null
  }
}
