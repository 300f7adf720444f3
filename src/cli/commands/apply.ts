import { UserError } from '../../base/errors.ts'
import { openContext } from '../../operations/context.ts'
import { type ApplyOptions, applyCopy, undoApply } from '../../operations/copy/apply.ts'
import { calledAs } from '../called-as.ts'
import { chooseSteps } from '../choose/choose-steps.ts'
import type { Invocation } from '../invocation.ts'
import { stepLine, undoneLine } from '../render/changes.ts'
import { isInteractive } from '../terminal.ts'

export type ApplyCommandOptions = {
  dryRun?: boolean
  interactive?: boolean
  keepMine?: boolean
  takeCopy?: boolean
  include?: string[]
  undo?: boolean
}

/** Writes the agent's changes into the folder, or undoes that. Returns 1 when a change was refused. */
export async function apply(
  paths: readonly string[],
  options: ApplyCommandOptions,
  invocation: Invocation,
): Promise<number> {
  const { interactive = false, undo = false, ...rest } = options
  if (interactive && !isInteractive()) {
    throw new UserError('--interactive asks about each file and needs a terminal', {
      hint: `name the files to apply instead: ${calledAs()} apply PATH…`,
      exitCode: 2,
    })
  }
  if (undo && paths.length > 0) {
    throw new UserError('--undo reverts a whole apply, not single files', {
      hint: `run ${calledAs()} apply --undo --dry-run to see what it reverts`,
      exitCode: 2,
    })
  }
  const done = undo
    ? await undoApply(invocation, { ...rest, onStep: step => console.log(undoneLine(step)) })
    : await applyCopy(await openContext(invocation), paths, {
        ...rest,
        onStep: step => console.log(stepLine(step)),
        ...(interactive && { choose: askAboutSteps(invocation.signal) }),
      })
  return done ? 0 : 1
}

/** Asks at the terminal which steps to take. */
function askAboutSteps(signal: AbortSignal): NonNullable<ApplyOptions['choose']> {
  return async ({ steps, conflicts }, place) => {
    const { createChooseContext } = await import('../choose/choose-context.ts')
    const context = createChooseContext({ ...place, signal })
    try {
      return await chooseSteps(steps, conflicts, context)
    } finally {
      context.close()
    }
  }
}
