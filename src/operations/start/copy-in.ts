import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { parseCopyExclude } from '../../config/setting-names.ts'
import { whyBusy } from '../../stack/activity.ts'
import type { StackState } from '../../stack/inspect.ts'
import { type CopyRemains, copyVolume, readCopyRemains, removeCopy } from '../../stack/remains.ts'
import type { Stack } from '../../stack/stack.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { volumesOf } from '../../stack/volumes.ts'
import { copyContainer, copyExists, ensureCopy } from '../../stack/workspace-copy.ts'
import type { Context } from '../context.ts'
import { newestImage } from '../images.ts'
import { ownPlaces } from '../workspace-here.ts'

export type DiscardOptions = {
  freshCopy?: boolean
  /** Leaves copy mode. */
  mount?: boolean
  /** Discards unapplied work without confirmation. */
  force?: boolean
}

/**
 * Asks a person before `--fresh-copy` or `--mount` discards a copy with work that exists nowhere else, and
 * returns the copy that they saw; null when nothing would be lost. Throws to stop the start, before it changed anything. Call it without
 * the stack's lock, which would make every other command wait for the answer.
 */
export async function confirmDiscard(
  context: Context,
  stack: { name: string; before: StackState | null },
  options: DiscardOptions,
): Promise<SeenCopy | null> {
  const seen = await workToDiscard(context, stack, options)
  if (seen === null) return null
  const { work } = seen
  if (await context.confirm(`Discard the copy, with ${work}?`, '-f', { byDefault: false })) {
    return seen
  }
  throw new UserError(`kept the copy, with ${work}`, {
    hint: `run ${command('diff')} and ${command('apply')} to get the changes, then run this command again`,
  })
}

/** The work in a copy in words, and a hash of all its files. */
export type SeenCopy = { work: string; digest: string }

/** Refuses to discard other work than the person agreed to. Call it under the stack's lock. */
export async function refuseChangedCopy(
  context: Context,
  stack: { name: string; before: StackState | null },
  options: DiscardOptions & { agreed: SeenCopy | null },
): Promise<void> {
  const now = await workToDiscard(context, stack, options)
  if (now === null || (options.agreed !== null && now.digest === options.agreed.digest)) return
  throw new UserError(`the copy changed meanwhile, and has ${now.work} now`, {
    hint: 'run this command again to be asked about it',
  })
}

/** Returns the work that exists in the copy alone; null when nothing would be lost, or `force` is set. */
async function workToDiscard(
  context: Context,
  { name, before }: { name: string; before: StackState | null },
  { freshCopy = false, mount = false, force = false }: DiscardOptions,
): Promise<SeenCopy | null> {
  if ((!freshCopy && !mount) || !(await copyExists(stateFolder(name)))) return null
  if (before && (await whyBusy(context.engine, before))) {
    throw busy(mount ? 'leave copy mode' : 'take a fresh copy')
  }
  if (force || !(await hasVolume(context, name))) return null
  const image = () => newestImage(context.engine, 'claude')
  const remains = await readCopyRemains(context, name, image)
  const work = describeWork(remains)
  return work === null
    ? null
    : { work, digest: remains.kind === 'unapplied' ? remains.digest : work }
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
  /** Copies only files that git knows. */
  trackedOnly?: boolean
}

/** Copies the folder into a stack in copy mode, unless its copy exists already. */
export async function copyIn(
  context: Context,
  stack: Stack,
  state: StackState,
  { freshCopy: fresh = false, exclude = [], includeIgnored = [], trackedOnly = false }: CopyOptions,
): Promise<void> {
  const container = stack.workspace.mode === 'copy' ? copyContainer(state) : null
  if (container === null) return
  // A session may have started while the confirmation was open.
  if (fresh && (await whyBusy(context.engine, state))) throw busy('take a fresh copy')
  const given = [...exclude, ...includeIgnored.map(pattern => `!${pattern}`)]
  const outcome = await ensureCopy(
    {
      docker: context.docker,
      container,
      workspace: stack.workspace,
      state: stack.state,
      secrets: ownPlaces(context).secrets,
      log: context.log,
      signal: context.signal,
    },
    {
      fresh,
      trackedOnly,
      excludes: [...parseCopyExclude(context.settings.COPY_EXCLUDE), ...given],
    },
  )
  if (outcome === 'kept' && given.length > 0) {
    context.log({
      kind: 'warn',
      text: '--exclude and --include-ignored had no effect because the copy exists; add --fresh-copy to replace it',
    })
  }
}
