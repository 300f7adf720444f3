import { cleanStacks } from '../../operations/clean.ts'
import { openContext } from '../../operations/context.ts'
import type { Invocation } from '../invocation.ts'
import { renderRemains } from '../render/remains.ts'

/** Removes the conversations, copies, networks and state of stopped stacks. */
export async function clean(
  names: readonly string[],
  options: { force?: boolean; dryRun?: boolean },
  invocation: Invocation,
) {
  await cleanStacks(await openContext(invocation), names, {
    ...options,
    show(remains) {
      for (const line of renderRemains(remains)) console.log(line)
    },
  })
}
