import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { command } from '../base/command.ts'
import type { Log } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { stateRoot } from '../config/paths.ts'
import { parseProtect } from '../config/protected-names.ts'
import type { Settings } from '../config/settings.ts'
import { replaceFile } from '../files/replace-file.ts'
import { alsoNames, identityOf, movedNames, type Overlay } from '../workspace/overlay/overlay.ts'
import { makePlaceholders, removePlaceholders } from '../workspace/overlay/placeholders.ts'
import { planOverlays } from '../workspace/overlay/plan.ts'
import { type Withdrawn, withdraw } from '../workspace/overlay/withdraw.ts'
import type { OpenedWorkspace } from '../workspace/workspace.ts'
import { settleModes, type Watched } from './loose-modes.ts'
import { otherStacks } from './other-stacks.ts'
import { clearRepository, lostRepositoryMounts, mountedRepository } from './repository.ts'
import { type StateFolder, stateFolder } from './state/state-folder.ts'

const Placeholder = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('folder') }),
  z.strictObject({ kind: z.literal('file'), content: z.string() }),
])

/**
 * The overlays of a stack, the placeholders it made in the workspace for them, and the files that were
 * missing and have no placeholder.
 */
const Protection = z.strictObject({
  workspace: z.string(),
  placeholders: z.array(z.strictObject({ path: z.string(), placeholder: Placeholder })),
  overlays: z.array(z.strictObject({ path: z.string(), identity: z.string() })),
  absent: z.array(z.string()).default([]),
  /** Milliseconds since 1970 at which it was prepared; null once no agent works there. */
  since: z.number().nullable().default(null),
})
type Protection = z.infer<typeof Protection>

/** Returns the overlays for a workspace's present state; none for a copy, which the host never runs. */
export async function overlaysOf(
  workspace: OpenedWorkspace,
  settings: Pick<Settings, 'PROTECT' | 'PROTECT_ALSO'>,
): Promise<Overlay[]> {
  if (workspace.mode === 'copy') return []
  return planOverlays(workspace.path, parseProtect(settings.PROTECT) ?? [], alsoNames(settings))
}

/**
 * Prepares the workspace for its overlays: removes the placeholders of an earlier stack, then lists the
 * missing ones for removal and makes them. Call it while no agent runs in the folder, because the
 * engine mounts a moment later the paths that are checked here.
 */
export async function prepareOverlays(
  workspace: OpenedWorkspace,
  settings: Pick<Settings, 'PROTECT' | 'PROTECT_ALSO'>,
  state: StateFolder,
  log: Log,
): Promise<Overlay[]> {
  await clearPlaceholders(state, log)
  const planned = await overlaysOf(workspace, settings)
  const missing = planned.filter(({ identity }) => identity === null)
  const { placeholders: shared } = await otherStacks(state)
  const left = new Set((await readProtection(state))?.placeholders.map(({ path }) => path))
  const placeholders = planned
    .filter(
      ({ path, identity }) =>
        identity === null || left.has(path) || shared.has(join(workspace.path, path)),
    )
    .map(({ path, placeholder }) => ({ path, placeholder }))
  const absent = await absentNames(workspace, settings)
  // The kernel's time of files may be a tick behind.
  const since = workspace.mode === 'copy' ? null : Date.now() - 50
  const noted = { workspace: workspace.path, placeholders, absent, since }
  await remember(state, { ...noted, overlays: [] })
  try {
    await makePlaceholders(workspace.path, missing, workspace.agent)
    const overlays = await overlaysOf(workspace, settings)
    await remember(state, { ...noted, overlays: identities(overlays) })
    return overlays
  } catch (error) {
    await clearPlaceholders(state, log).catch(() => {})
    throw error
  }
}

async function absentNames(
  workspace: OpenedWorkspace,
  settings: Pick<Settings, 'PROTECT' | 'PROTECT_ALSO'>,
) {
  if (workspace.mode === 'copy') return []
  const names = movedNames(settings)
  const present = await Promise.all(
    names.map(name => lstat(join(workspace.path, name)).catch(() => null)),
  )
  return names.filter((_, index) => present[index] === null)
}

/**
 * Moves files that appeared since the stack's start, and that the host would obey, to the state folder.
 * Returns a line for the user about each.
 */
export async function withdrawAppeared(state: Pick<StateFolder, 'path'>): Promise<string[]> {
  const protection = await readProtection(state)
  if (!protection) return []
  const { workspace, absent } = protection
  return (await withdraw(workspace, absent, join(state.path, 'withdrawn'))).map(renderWithdrawn)
}

/** Returns the folders that the agents of a stack can write since its start; null when none is at work. */
export async function watchedFolders(state: Pick<StateFolder, 'path'>): Promise<Watched | null> {
  const protection = await readProtection(state)
  if (!protection || protection.since === null) return null
  const repository = await mountedRepository(state)
  const roots = [protection.workspace, ...(repository === undefined ? [] : [repository])]
  return { roots, since: protection.since }
}

/** `withdrawAppeared`, and takes off setuid bits that the agent set. Returns a line about each. */
export async function settleWorkspace(state: Pick<StateFolder, 'path'>): Promise<string[]> {
  const watched = await watchedFolders(state)
  const modes = watched ? await settleModes(watched) : []
  return [...(await withdrawAppeared(state)), ...modes]
}

/** Maximum characters of the path that the user needs. */
const pathLimit = 4_096

/** Renders a message, which keeps the path that the user needs. */
function renderWithdrawn({ name, to }: Withdrawn): string {
  return to === null
    ? `${name} appeared while an agent worked, and cannot be moved away: read it before a program of this host does`
    : `${name} appeared while an agent worked, and your host would obey it: moved to ${terminalLine(to, pathLimit)}; if it is yours, run ${command('stop')} and move it back`
}

function identities(overlays: readonly Overlay[]) {
  return overlays.map(({ path, identity }) => ({ path, identity: identity ?? '' }))
}

/**
 * Removes the overlays' placeholders, except those that another stack mounts, and moves away files that
 * appeared at protected names without one. The stack's containers must be gone: they mount the
 * placeholders.
 */
export async function clearPlaceholders(state: StateFolder, log: Log) {
  const texts = await settleWorkspace(state)
  await clearRepository(state)
  const protection = await readProtection(state)
  if (!protection) return
  for (const text of texts) log({ kind: 'warn', text })
  const { mounted } = await otherStacks(state)
  const placeholders = await removePlaceholders(
    protection.workspace,
    protection.placeholders.filter(({ path }) => !mounted.has(join(protection.workspace, path))),
  )
  await remember(state, { ...protection, placeholders, overlays: [], absent: [], since: null })
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
      if (await mountedRepository(state)) return [name]
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
