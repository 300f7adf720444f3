import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { parseCopyExclude } from '../../config/setting-names.ts'
import { createArchive } from '../../engine/archive.ts'
import { whyBusy } from '../../stack/activity.ts'
import type { StackState } from '../../stack/inspect.ts'
import { type CopyRemains, copyVolume, readCopyRemains, removeCopy } from '../../stack/remains.ts'
import type { Stack } from '../../stack/stack.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { volumesOf } from '../../stack/volumes.ts'
import { copyContainer, copyExists, ensureCopy } from '../../stack/workspace-copy.ts'
import type { Context } from '../context.ts'
import { ownPlaces } from '../workspace-here.ts'

export type DiscardOptions = {
  freshCopy?: boolean
  /** Leaves copy mode. */
  mount?: boolean
  /** Discards unapplied work without confirmation. */
  force?: boolean
}

/**
 * Asks a person before `--fresh-copy` or `--mount` discards a copy with work that exists nowhere else.
 * Throws to stop the start, before it changed anything. `agent` is an image.
 */
export async function confirmDiscard(
  context: Context,
  { name, before, agent }: { name: string; before: StackState | null; agent: string },
  { freshCopy = false, mount = false, force = false }: DiscardOptions,
): Promise<void> {
  if ((!freshCopy && !mount) || !(await copyExists(stateFolder(name)))) return
  if (before && (await whyBusy(context.engine, before))) {
    throw busy(mount ? 'leave copy mode' : 'take a fresh copy')
  }
  if (force || !(await hasVolume(context, name))) return
  const work = describeWork(await readCopyRemains(context, name, async () => agent))
  if (work === null) return
  if (await context.confirm(`Discard the copy, with ${work}?`, '-f', { byDefault: false })) return
  throw new UserError(`kept the copy, with ${work}`, {
    hint: `run ${command('diff')} and ${command('apply')} to get the changes, then run this command again`,
  })
}

export function busy(wanted: string) {
  return new UserError(`cannot ${wanted}: the agent is working in the current copy`, {
    hint: `end its session first, or run ${command('stop')}`,
  })
}

async function hasVolume({ engine }: Context, name: string) {
  return (await volumesOf(engine, name)).some(({ Name }) => Name === copyVolume(name))
}

/** Returns null when nothing would be lost. */
export function describeWork(copy: CopyRemains): string | null {
  if (copy.kind === 'applied') return null
  if (copy.kind === 'unknown') {
    return `contents that could not be compared (${terminalLine(copy.reason, 200)})`
  }
  const { changes, commits } = copy
  const parts = [
    ...(changes > 0 ? [`${changes} unapplied ${changes === 1 ? 'change' : 'changes'}`] : []),
    ...(commits ? ['commits or branches'] : []),
  ]
  return parts.length > 0 ? parts.join(' and ') : null
}

/** Removes the copy after the stack was changed to the folder itself. */
export async function leaveCopy(
  { docker, engine, log, signal }: Context,
  { identity, workspace, state }: Stack,
  running: StackState,
  { mount = false }: DiscardOptions,
): Promise<void> {
  // A session that started meanwhile keeps the stack, and the copy, as they were.
  if (!mount || running.workspaceMode !== 'mount') return
  const volume = copyVolume(identity.name)
  const volumes = await volumesOf(engine, identity.name)
  const existed = await copyExists(state)
  if (volumes.some(({ Name }) => Name === volume)) await removeCopy(docker, identity.name, signal)
  if (!existed) return
  const text = `left copy mode: the agent writes to ${workspace.path} itself`
  log({ kind: 'info', text })
}

/** Options of copy mode; `exclude` has patterns as in .gitignore. */
export type CopyOptions = DiscardOptions & {
  exclude?: string[]
  includeIgnored?: string[]
}

/** Copies the folder into a stack in copy mode, unless its copy exists already. */
export async function copyIn(
  context: Context,
  stack: Stack,
  state: StackState,
  { freshCopy: fresh = false, exclude = [], includeIgnored = [] }: CopyOptions,
): Promise<void> {
  const container = stack.workspace.mode === 'copy' ? copyContainer(state) : null
  if (container === null) return
  // A session may have started while the confirmation was open.
  if (fresh && (await whyBusy(context.engine, state))) throw busy('take a fresh copy')
  const given = [...exclude, ...includeIgnored.map(pattern => `!${pattern}`)]
  const outcome = await ensureCopy(
    {
      archive: createArchive(context.engine.address),
      docker: context.docker,
      container,
      workspace: stack.workspace,
      state: stack.state,
      secrets: ownPlaces(context).secrets,
      log: context.log,
      signal: context.signal,
    },
    { fresh, excludes: [...parseCopyExclude(context.settings.COPY_EXCLUDE), ...given] },
  )
  if (outcome === 'kept' && given.length > 0) {
    context.log({
      kind: 'warn',
      text: '--exclude and --include-ignored had no effect because the copy exists; add --fresh-copy to replace it',
    })
  }
}
