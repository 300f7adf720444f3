import { rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { type Context, openContext } from '../../operations/context.ts'
import { currentStackName } from '../../operations/current-stack.ts'
import { withLock } from '../../stack/state/lock.ts'
import { moveBaseline, stageContents } from '../../stack/workspace-copy.ts'
import { applySteps, makeApplyFolder } from '../../workspace/copy/apply.ts'
import type { Step } from '../../workspace/copy/journal.ts'
import { type Plan, planApply } from '../../workspace/copy/plan.ts'
import { nameOf } from '../../workspace/copy/render-patch.ts'
import {
  chooseChanges,
  type OpenCopy,
  openCopy,
  parseWish,
  tellWhatStays,
} from '../copy/open-copy.ts'
import { stepLine, undo } from '../copy/undo.ts'
import type { Invocation } from '../invocation.ts'
import { isInteractive } from '../terminal.ts'

export type ApplyOptions = {
  dryRun?: boolean
  interactive?: boolean
  /** Of files that changed on both sides: leave those of the host. */
  keepMine?: boolean
  /** Of these: put the copy's in their place. */
  takeCopy?: boolean
  include?: string[]
  undo?: boolean
}

/**
 * Brings the agent's changes into the folder: all that can be, or nothing when one of them meets a
 * change of yours and nothing was said about that. Returns 1 when some change was refused.
 */
export async function apply(
  paths: readonly string[],
  options: ApplyOptions,
  invocation: Invocation,
): Promise<number> {
  if (options.interactive && !isInteractive()) {
    throw new UserError('--interactive asks about each file, and there is no terminal', {
      hint: 'name the files to apply instead: ./claude.ts apply PATH…',
      exitCode: 2,
    })
  }
  if (options.undo) {
    if (paths.length > 0) {
      throw new UserError('--undo takes back a whole apply, not single files', {
        hint: './claude.ts apply --undo --dry-run shows what that is',
        exitCode: 2,
      })
    }
    const { log } = invocation
    return undo({ log, signal: invocation.signal }, options)
  }
  const context = await openContext(invocation)
  const copy = await openCopy(context)
  const sorted = chooseChanges(copy, parseWish(copy.root, paths, options.include))
  tellWhatStays(context.log, copy, sorted)
  const plan = await planApply(copy.root, sorted.applicable)
  for (const { error } of plan.refused) context.log({ kind: 'warn', text: error.message })
  const steps = decideConflicts(context, plan, options)
  if (options.dryRun) {
    for (const step of steps) console.log(stepLine(step))
    return plan.refused.length > 0 ? 1 : 0
  }
  const result = await write(context, copy, plan, steps, options)
  return result && plan.refused.length === 0 ? 0 : 1
}

/** What is to be done about files that changed on both sides. */
function decideConflicts({ log }: Context, plan: Plan, options: ApplyOptions): Step[] {
  const { conflicts, steps } = plan
  if (conflicts.size === 0 || options.interactive || options.takeCopy) return steps
  const names = [...conflicts].slice(0, 5).map(nameOf).join(', ')
  if (!options.keepMine) {
    throw new UserError(
      `${conflicts.size} ${conflicts.size === 1 ? 'file' : 'files'} changed both here and in the copy: ${names}`,
      {
        hint: 'nothing was applied: --keep-mine applies the rest, --take-copy replaces yours, -i asks',
      },
    )
  }
  log({ kind: 'info', text: `yours are kept: ${names}` })
  return steps.filter(({ path }) => !conflicts.has(path))
}

async function write(
  context: Context,
  copy: OpenCopy,
  plan: Plan,
  steps: readonly Step[],
  options: ApplyOptions,
): Promise<boolean> {
  const { log, signal } = context
  const applied = new Date()
  const { folder, token, staging } = await makeApplyFolder(copy.state.path, applied)
  try {
    const wanted = steps.flatMap(({ after }) => (after?.type === 'file' ? [after.sha256] : []))
    const staged = await stageContents(copy, copy.tree, new Set(wanted), staging)
    const chosen = options.interactive ? await choose(context, copy, plan, staging) : [...steps]
    for (const { after } of chosen)
      if (after?.type === 'file' && !wanted.includes(after.sha256)) staged.add(after.sha256)
    if (chosen.length === 0 && plan.present.length === 0) {
      log({ kind: 'info', text: 'nothing was applied' })
      return true
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
        step => console.log(stepLine(step)),
      )
      await moveBaseline(copy.state, [...outcome.done, ...plan.present], taken)
      for (const { error } of outcome.refused) log({ kind: 'warn', text: error.message })
      const refused = outcome.refused.length + plan.refused.length
      log({
        kind: 'info',
        text: `applied ${outcome.done.length} of ${outcome.done.length + refused} changes${outcome.done.length > 0 ? '; ./claude.ts apply --undo takes them back' : ''}`,
      })
      return outcome.refused.length === 0
    })
  } finally {
    await rm(staging, { recursive: true, force: true })
    // Gone when nothing was kept in it.
    await rmdir(folder).catch(() => {})
  }
}

async function choose({ signal }: Context, copy: OpenCopy, plan: Plan, staging: string) {
  const { chooseSteps } = await import('../copy/choose-steps.ts')
  const { createChooseContext } = await import('../copy/choose-context.ts')
  const context = createChooseContext({ root: copy.root, staging, signal })
  try {
    return await chooseSteps(plan.steps, plan.conflicts, context)
  } finally {
    context.close()
  }
}
