import { chmod, chown, lstat, mkdir, readFile, rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { parseProtect } from '../config/protected-names.ts'
import type { Settings } from '../config/settings.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import { replaceFile } from '../files/replace-file.ts'
import { identityOf } from '../workspace/overlay/overlay.ts'
import { makePlaceholders, removePlaceholders } from '../workspace/overlay/placeholders.ts'
import { locateRepository } from '../workspace/repository/locate.ts'
import {
  planRepository,
  type RepositoryPlan,
  renderRepositoryConfig,
} from '../workspace/repository/plan.ts'
import type { OpenedWorkspace } from '../workspace/workspace.ts'
import { otherStacks } from './other-stacks.ts'
import type { StateFolder } from './state/state-folder.ts'

const Placeholder = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('folder') }),
  z.strictObject({ kind: z.literal('file'), content: z.string() }),
])
/** The mounts of a repository outside the workspace; `workspace` is the folder that they are below. */
const RepositoryRecord = z.strictObject({
  workspace: z.string(),
  /** The repository itself. */
  common: z.string(),
  placeholders: z.array(z.strictObject({ path: z.string(), placeholder: Placeholder })),
  overlays: z.array(z.strictObject({ path: z.string(), identity: z.string() })),
})
type RepositoryRecord = z.infer<typeof RepositoryRecord>

/** A bind mount of the agents' containers. */
export type BindMount = { source: string; target: string; writable: boolean }

/** Maximum bytes of a repository's configuration. */
const largestConfig = 1024 * 1024

/** Returns the plan for a workspace's repository; null when git needs no further mounts. */
export async function repositoryOf(
  workspace: OpenedWorkspace,
  { forbidden, settings }: { forbidden: readonly string[]; settings: Pick<Settings, 'PROTECT'> },
): Promise<RepositoryPlan | null> {
  if (workspace.mode === 'copy') return null
  const located = await locateRepository(workspace.path, forbidden)
  if (located.kind !== 'elsewhere') return null
  const loosened = (parseProtect(settings.PROTECT) ?? []).includes('.git')
  return planRepository(workspace.path, located, { loosened })
}

/** Returns the mounts of a plan. The generated files cover the repository's own. */
export function repositoryMounts(plan: RepositoryPlan, state: Pick<StateFolder, 'path'>) {
  const generated = [
    ...plan.files.map(({ name, target }) => ({ name, target })),
    ...(plan.config ? [{ name: 'config', target: plan.config.target }] : []),
  ]
  const covered = new Set(generated.map(({ target }) => target))
  return [
    ...plan.mounts
      .filter(({ target }) => !covered.has(target))
      .map(({ path, target, writable }) => ({ source: join(plan.root, path), target, writable })),
    ...generated.map(({ name, target }) => ({
      source: join(folderOf(state), name),
      target,
      writable: false,
    })),
  ] satisfies BindMount[]
}

/**
 * Prepares a repository for its mounts, as `prepareOverlays` does for the workspace: call it while no
 * agent of the stack runs, after `clearRepository`.
 */
export async function prepareRepository(
  workspace: OpenedWorkspace,
  options: Parameters<typeof repositoryOf>[1],
  state: StateFolder,
): Promise<RepositoryPlan | null> {
  const plan = () => repositoryOf(workspace, options)
  const planned = await plan()
  if (!planned) return null
  const { placeholders: shared } = await otherStacks(state)
  const missing = planned.mounts.filter(({ identity }) => identity === null)
  const record: RepositoryRecord = {
    workspace: planned.root,
    common: planned.common,
    placeholders: planned.mounts
      .filter(({ path, identity }) => identity === null || shared.has(join(planned.root, path)))
      .map(({ path, placeholder }) => ({ path, placeholder })),
    overlays: [],
  }
  await remember(state, record)
  await makePlaceholders(planned.root, missing, workspace.agent)
  await writeFiles(planned, workspace.agent, state)
  const ready = await plan()
  if (!ready) return null
  const overlays = ready.mounts.map(({ path, identity }) => ({ path, identity: identity ?? '' }))
  await remember(state, { ...record, overlays })
  return ready
}

/** Git rewrites an entry's `gitdir` that is a day old, and fails when it is read-only. */
const years = 5 * 365 * 24 * 60 * 60

async function writeFiles(
  plan: RepositoryPlan,
  agent: OpenedWorkspace['agent'],
  state: StateFolder,
) {
  const folder = folderOf(state)
  await mkdir(folder, { recursive: true })
  // Independent of the umask.
  await chmod(folder, 0o755)
  const files = [...plan.files]
  if (plan.config) {
    const { path, target } = plan.config
    const text = textOf(await readRegularFile(path, { limit: largestConfig }))
    if (text === null) {
      throw new UserError(`${terminalLine(path)} cannot be given to git in the container`, {
        hint: `make it a regular file of at most ${largestConfig} bytes`,
      })
    }
    files.push({ name: 'config', target, text: renderRepositoryConfig(text) })
  }
  const later = Date.now() / 1000 + years
  for (const { name, text } of files) {
    const path = join(folder, name)
    await replaceFile(path, text, { mode: 0o644 })
    await utimes(path, later, later)
    // Git refuses a `.git` file of another user.
    if (process.getuid?.() === 0) await chown(path, agent.uid, agent.gid)
  }
}

/** Removes the placeholders in a repository, except those that another stack mounts. */
export async function clearRepository(state: StateFolder): Promise<void> {
  const record = await readRecord(state)
  if (!record) return
  const { mounted } = await otherStacks(state)
  const { workspace, placeholders } = record
  await removePlaceholders(
    workspace,
    placeholders.filter(({ path }) => !mounted.has(join(workspace, path))),
  )
  await rm(recordPath(state), { force: true })
}

/** Returns the paths of a repository that a host program replaced, which removes the mount on them. */
export async function lostRepositoryMounts(state: Pick<StateFolder, 'path'>): Promise<string[]> {
  const record = await readRecord(state)
  if (!record) return []
  const { workspace, overlays } = record
  const now = await Promise.all(
    overlays.map(async ({ path, identity }) => {
      const status = await lstat(join(workspace, path)).catch(() => null)
      return status && identityOf(status) === identity ? [] : [join(workspace, path)]
    }),
  )
  return now.flat()
}

/** Returns the repository outside the workspace that the stack mounts or has placeholders in. */
export async function mountedRepository(
  state: Pick<StateFolder, 'path'>,
): Promise<string | undefined> {
  return (await readRecord(state))?.common
}

function folderOf(state: Pick<StateFolder, 'path'>) {
  return join(state.path, 'repository')
}

function recordPath(state: Pick<StateFolder, 'path'>) {
  return join(state.path, 'repository.json')
}

async function remember(state: StateFolder, record: RepositoryRecord) {
  await replaceFile(recordPath(state), JSON.stringify(record))
}

async function readRecord(state: Pick<StateFolder, 'path'>): Promise<RepositoryRecord | null> {
  try {
    return RepositoryRecord.parse(JSON.parse(await readFile(recordPath(state), 'utf8')))
  } catch {
    // No placeholder is known to be ours, so none is removed.
    return null
  }
}
