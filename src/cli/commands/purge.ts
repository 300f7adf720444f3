import { openContext } from '../../operations/context.ts'
import { purgeStacks } from '../../operations/purge.ts'
import type { Invocation } from '../invocation.ts'
import { renderRemains } from './clean.ts'

/** Stops all stacks and removes what they left; asks before it does. */
export async function purge(
  options: { yes?: boolean; force?: boolean; dryRun?: boolean },
  invocation: Invocation,
) {
  await purgeStacks(await openContext(invocation), {
    ...options,
    show(remains) {
      for (const line of renderRemains(remains)) console.log(line)
    },
  })
}
