import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { type Log, slowStep } from '../../base/log.ts'
import { stageContents } from '../../stack/read-copy.ts'
import { withLock } from '../../stack/state/lock.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { moveBaseline } from '../../stack/workspace-copy.ts'
import { applySteps, makeApplyFolder } from '../../workspace/copy/apply.ts'
import { lastApply, type Step } from '../../workspace/copy/journal.ts'
import { type Plan, planApply } from '../../workspace/copy/plan.ts'
import { displayPath } from '../../workspace/copy/render-patch.ts'
import { planUndo, undoSteps } from '../../workspace/copy/undo.ts'
import type { Caller, EngineContext } from '../context.ts'
import { currentStackName } from '../find-stacks.ts'
import {
  logRemaining,
  type OpenCopy,
  openCopy,
  parseSelection,
  selectChanges,
  showRead,
} from './open-copy.ts'

export type ApplyOptions = {
  dryRun?: boolean
  /** For files that changed on both sides: keep the host's version. */
  keepMine?: boolean
  /** For files that changed on both sides: take the copy's version. */
  takeCopy?: boolean
  /** Names of withheld files to apply too. */
  include?: readonly string[]
  /** Lets a person choose among the planned steps; file contents are in `staging`, by hash. */
  choose?: (plan: Plan, place: { root: string; staging: string }) => Promise<Step[]>
  /** Called for each step that was applied, or would be. */
  onStep: (step: Step) => void
}

/**
 * Writes the agent's changes into the folder: everything that can be applied, or nothing when one of
 * them conflicts with a change of yours and no option decides. Returns false when a change was refused.
 */
export async function applyCopy(
  context: EngineContext,
  paths: readonly string[],
  options: ApplyOptions,
): Promise<boolean> {
  const { log } = context
  const copy = await openCopy(context, { contents: !options.dryRun })
  const sorted = selectChanges(copy, parseSelection(copy, paths, options.include))
  logRemaining(log, copy, sorted)
  const plan = await planApply(copy.root, sorted.applicable, context.signal)
  for (const { error } of plan.refused) log({ kind: 'warn', text: error.message })
  const steps = resolveConflicts(log, plan, options)
  if (!options.dryRun) return write(context, copy, { ...plan, steps }, options)
  if (steps.length === 0) log({ kind: 'info', text: 'there is nothing to apply' })
  for (const step of steps) options.onStep(step)
  return plan.refused.length === 0
}

/** Decides about files that changed on both sides. */
function resolveConflicts(log: Log, plan: Plan, options: ApplyOptions): Step[] {
  const { conflicts, steps } = plan
  if (conflicts.size === 0 || options.choose || options.takeCopy) return steps
  const names = [...conflicts].slice(0, 5).map(displayPath).join(', ')
  if (!options.keepMine) {
    throw new UserError(
      `${conflicts.size} ${conflicts.size === 1 ? 'file' : 'files'} changed both here and in the copy: ${names}`,
      {
        hint: 'add --keep-mine to apply the rest, --take-copy to replace yours, or -i to be asked; nothing was applied',
      },
    )
  }
  log({ kind: 'info', text: `kept your version of ${names}` })
  return steps.filter(({ path }) => !conflicts.has(path))
}

async function write(
  { log, signal }: EngineContext,
  copy: OpenCopy,
  plan: Plan,
  options: ApplyOptions,
): Promise<boolean> {
  const applied = new Date()
  const { folder, token, staging } = await makeApplyFolder(copy.state.path, applied)
  try {
    const wanted = plan.steps.flatMap(({ after }) => (after?.type === 'file' ? [after.sha256] : []))
    const staged = await slowStep(log, 'fetching the changes', progress =>
      stageContents(copy, copy.tree, new Set(wanted), staging, showRead(progress)),
    )
    const place = { root: copy.root, staging }
    const chosen = options.choose ? await options.choose(plan, place) : plan.steps
    // Choosing parts of a change produces new contents.
    for (const { after } of chosen) {
      if (after?.type === 'file' && !wanted.includes(after.sha256)) staged.add(after.sha256)
    }
    if (chosen.length === 0 && plan.present.length === 0) {
      log({ kind: 'info', text: 'nothing was applied' })
      return plan.refused.length === 0
    }
    return await withLock(await currentStackName(), { log, signal }, async () => {
      const { taken } = copy.baseline
      const outcome = await applySteps(
        {
          root: copy.root,
          statePath: copy.state.path,
          folder,
          journal: {
            version: 1,
            applied: applied.toISOString(),
            taken,
            workspace: copy.root,
            token,
            steps: chosen,
          },
          sourceOf: ({ after }) =>
            after?.type === 'file' && staged.has(after.sha256)
              ? join(staging, after.sha256)
              : undefined,
        },
        options.onStep,
      )
      await moveBaseline(copy.state, [...outcome.done, ...plan.present], taken)
      for (const { error } of outcome.refused) log({ kind: 'warn', text: error.message })
      const refused = outcome.refused.length + plan.refused.length
      const undo = outcome.done.length > 0 ? `; ${command('apply --undo')} reverts them` : ''
      const counts = `${outcome.done.length} of ${outcome.done.length + refused} changes`
      log({ kind: 'info', text: `applied ${counts}${undo}` })
      return refused === 0
    })
  } finally {
    await rm(staging, { recursive: true, force: true })
    // Fails, as intended, when the journal was kept in it.
    await rmdir(folder).catch(() => {})
  }
}

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
