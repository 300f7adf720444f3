import { UserError } from '../../base/errors.ts'
import type { Context } from '../../operations/context.ts'
import { currentStackName } from '../../operations/current-stack.ts'
import { withLock } from '../../stack/state/lock.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { moveBaseline } from '../../stack/workspace-copy.ts'
import { lastApply, type Step } from '../../workspace/copy/journal.ts'
import { changeLine, nameOf } from '../../workspace/copy/render-patch.ts'
import { planUndo, undoSteps } from '../../workspace/copy/undo.ts'

export function stepLine({ path, before, after }: Step): string {
  return changeLine({
    path,
    kind: after === null ? 'deleted' : before === null ? 'added' : 'modified',
  })
}

/** A step the other way round. */
function undoneLine({ path, before, after }: Step): string {
  return changeLine({
    path,
    kind: before === null ? 'deleted' : after === null ? 'added' : 'modified',
  })
}

/** Puts the folder back to what it was before the last apply; needs no engine and no copy. */
export async function undo(
  { log, signal }: Pick<Context, 'log' | 'signal'>,
  options: { dryRun?: boolean; keepMine?: boolean },
): Promise<number> {
  const name = await currentStackName()
  const state = stateFolder(name)
  return withLock(name, { log, signal }, async () => {
    const kept = await lastApply(state.path)
    if (!kept) {
      throw new UserError('there is no apply to undo in this folder', {
        hint: 'the last ten are kept, until each is undone',
      })
    }
    const { journal } = kept
    const { steps, conflicts } = await planUndo(kept)
    const names = conflicts.slice(0, 5).map(({ path }) => nameOf(path))
    if (conflicts.length > 0 && !options.keepMine) {
      throw new UserError(
        `${conflicts.length} ${conflicts.length === 1 ? 'file' : 'files'} changed since the apply of ${journal.applied}: ${names.join(', ')}`,
        { hint: 'nothing was undone: --undo --keep-mine leaves these as they are' },
      )
    }
    if (options.dryRun) {
      for (const step of steps) console.log(undoneLine(step))
      return 0
    }
    const { done, refused } = await undoSteps(kept, state.path, steps, step =>
      console.log(undoneLine(step)),
    )
    const moved = done.map(({ path, baseline }) => ({ path, after: baseline }))
    await moveBaseline(state, moved, journal.taken)
    for (const { error } of refused) log({ kind: 'warn', text: error.message })
    log({
      kind: 'info',
      text: `undid ${done.length} of ${steps.length} changes of ${journal.applied}; the copy still has them`,
    })
    return refused.length === 0 ? 0 : 1
  })
}
