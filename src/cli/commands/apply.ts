import { join } from 'node:path'
import { UserError } from '../../errors.ts'
import { withLock } from '../../stack/lock.ts'
import { copyItems, moveBaseline } from '../../stack/workspace-copy.ts'
import { applyChange, findConflicts } from '../../workspace/copy/apply.ts'
import { type Change, sortChanges } from '../../workspace/copy/changes.ts'
import { type Context, openContext } from '../context.ts'
import { currentStackName } from '../current-stack.ts'
import type { Invocation } from '../program.ts'
import { changeLine, type OpenCopy, openCopy, tellAboutGit } from './diff.ts'

/**
 * Brings the agent's changes into the folder: all that can be, or nothing when one of them meets a
 * change of yours. Returns 1 when some change was refused.
 */
export async function apply(
  options: { dryRun?: boolean },
  invocation: Invocation,
): Promise<number> {
  const context = await openContext(invocation)
  const { log, signal } = context
  return withLock(await currentStackName(), { log, signal }, async () => {
    const copy = await openCopy(context)
    const { applicable, withheld } = sortChanges(copy.changes, copy.baseline)
    const conflicts = await findConflicts(copy.root, applicable)
    if (conflicts.length > 0) {
      throw new UserError(
        `${conflicts.length} files changed both here and in the copy: ${conflicts.slice(0, 5).join(', ')}`,
        { hint: 'nothing was applied; put your own change aside (git stash), then apply again' },
      )
    }
    tellAboutGit(context, copy)
    for (const { path } of withheld) {
      log({ kind: 'warn', text: `not applied, because your host would run it: ${path}` })
    }
    if (options.dryRun) {
      for (const change of applicable) console.log(changeLine(change))
      return 0
    }
    return applyAll(context, copy, applicable)
  })
}

async function applyAll({ log }: Context, copy: OpenCopy, changes: readonly Change[]) {
  const backup = join(copy.state.path, 'backups', new Date().toISOString().replaceAll(':', '-'))
  const applied: Change[] = []
  const attempt = async (change: Change, content?: Buffer) => {
    try {
      await applyChange(copy.root, change, content, backup)
      applied.push(change)
      console.log(changeLine(change))
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      log({ kind: 'warn', text: error.message })
    }
  }
  try {
    // Deletions first: a file may have become a folder.
    for (const change of changes.filter(({ kind }) => kind === 'deleted')) await attempt(change)
    const written = new Map(
      changes.filter(({ kind }) => kind !== 'deleted').map(change => [change.path, change]),
    )
    for await (const { path, content } of copyItems(copy, path => written.has(path))) {
      const change = written.get(path)
      if (change) await attempt(change, content)
    }
  } finally {
    await moveBaseline(copy.state, applied)
  }
  if (applied.some(({ kind }) => kind !== 'added')) {
    log({ kind: 'info', text: `what was there before is kept in ${backup}` })
  }
  log({ kind: 'info', text: `applied ${applied.length} of ${changes.length} changes` })
  return applied.length === changes.length ? 0 : 1
}
