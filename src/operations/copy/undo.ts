import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { withLock } from '../../stack/state/lock.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { moveBaseline } from '../../stack/workspace-copy.ts'
import { lastApply, type Step } from '../../workspace/copy/journal.ts'
import { displayPath } from '../../workspace/copy/render-patch.ts'
import { planUndo, undoSteps } from '../../workspace/copy/undo.ts'
import type { Caller } from '../context.ts'
import { currentStackName } from '../find-stacks.ts'

/**
 * Restores the folder to its state before the last apply; needs neither an engine nor the copy. Calls
 * `onStep` for each step that was undone, or would be. Returns false when a step was refused.
 */
export async function undoApply(
  { log, signal }: Pick<Caller, 'log' | 'signal'>,
  options: { dryRun?: boolean; keepMine?: boolean; onStep: (step: Step) => void },
): Promise<boolean> {
  const { onStep } = options
  const name = await currentStackName()
  const state = stateFolder(name)
  return withLock(name, { log, signal }, async () => {
    const kept = await lastApply(state.path)
    if (!kept) {
      throw new UserError('this folder has no apply to undo', {
        hint: `run ${command('apply')} first; the last ten can be undone, each once`,
      })
    }
    const { journal } = kept
    const { steps, conflicts } = await planUndo(kept)
    const names = conflicts.slice(0, 5).map(({ path }) => displayPath(path))
    if (conflicts.length > 0 && !options.keepMine) {
      throw new UserError(
        `${conflicts.length} ${conflicts.length === 1 ? 'file' : 'files'} changed since the apply of ${moment(journal.applied)}: ${names.join(', ')}`,
        { hint: 'add --keep-mine to skip these files; nothing was undone' },
      )
    }
    if (options.dryRun) {
      for (const step of steps) onStep(step)
      return true
    }
    const { done, refused } = await undoSteps(kept, state.path, steps, onStep)
    const moved = done.map(({ path, baseline }) => ({ path, after: baseline }))
    const inCopy = await moveBaseline(state, moved, journal.taken)
    for (const { error } of refused) log({ kind: 'warn', text: error.message })
    const counts = `${done.length} of ${steps.length} changes of ${moment(journal.applied)}`
    log({ kind: 'info', text: `undid ${counts}${inCopy ? '; the copy still has them' : ''}` })
    return refused.length === 0
  })
}

/** Renders a stored time, such as `2026-11-21 18:00:00 UTC`. */
function moment(stored: string) {
  return `${stored.slice(0, 19).replace('T', ' ')} UTC`
}
