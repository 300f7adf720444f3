import { listed } from '../stack/inspect.ts'
import { allStacks } from '../stack/stack-list.ts'
import { type CleanOptions, cleanStacks } from './clean.ts'
import type { Context } from './context.ts'
import { stopStacks } from './stop.ts'

/**
 * Stops this user's stacks of all folders and removes what they left. One confirmation covers both; without
 * `force`, copies with unapplied changes stay.
 */
export async function purgeStacks(context: Context, options: CleanOptions): Promise<void> {
  const { engine, log, confirm } = context
  const all = await allStacks(engine)
  // `clean` skips the stacks of other users too.
  const up = all.filter(({ state, ours }) => state !== 'stopped' && ours)
  if (options.dryRun && up.length > 0) {
    log({ kind: 'info', text: `would stop and then remove: ${listed(up)}` })
    return cleanStacks(context, [], options)
  }
  const agreed = options.yes || options.force
  if (up.length > 0 && !agreed && !(await confirm(`Stop ${listed(up)}?`, '--yes'))) {
    log({ kind: 'info', text: 'nothing was stopped or removed' })
    return
  }
  for (const { stack } of up) await stopStacks(context, { name: stack, force: agreed === true })
  await cleanStacks(context, [], options)
}
