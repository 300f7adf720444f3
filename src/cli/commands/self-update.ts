import { checkoutRoot } from '../../config/paths.ts'
import { selfUpdate as update } from '../../operations/self-update/self-update.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'

/** Updates the checkout of claude-secure itself; `update` updates what is in the images. */
export async function selfUpdate(
  { yes = false, dryRun = false }: { yes?: boolean; dryRun?: boolean },
  { log, signal, confirm }: Invocation,
): Promise<void> {
  const outcome = await update({
    ...{ root: checkoutRoot(), yes, dryRun, log, signal, confirm },
    show({ commits, lines }) {
      console.log(`${commits} new ${commits === 1 ? 'commit' : 'commits'}:`)
      for (const line of lines) console.log(`  ${line}`)
    },
  })
  switch (outcome.kind) {
    case 'current':
      console.error('claude-secure is up to date')
      return
    case 'available':
      console.error('nothing was changed')
      return
    case 'updated': {
      const { from, to, kept } = outcome
      if (kept.length > 0) console.error(`kept your changes in ${kept.join(', ')}`)
      console.error(
        `updated claude-secure from ${from} to ${to}; run ${calledAs()} setup to build its images. Stacks that run keep theirs until ${calledAs()} stop --all`,
      )
      return
    }
    default:
      outcome satisfies never
  }
}
