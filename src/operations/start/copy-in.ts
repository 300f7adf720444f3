import { parseCopyExclude } from '../../config/setting-names.ts'
import { createArchive } from '../../engine/archive.ts'
import { whyBusy } from '../../stack/activity.ts'
import type { StackState } from '../../stack/inspect.ts'
import type { Stack } from '../../stack/stack.ts'
import { copyContainer, ensureCopy } from '../../stack/workspace-copy.ts'
import type { Context } from '../context.ts'
import { ownPlaces } from '../workspace-here.ts'
import { busy, type DiscardOptions } from './discard-copy.ts'

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
