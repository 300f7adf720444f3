import { openContext } from '../../operations/context.ts'
import { updateImages } from '../../operations/update.ts'
import type { Invocation } from '../invocation.ts'

/** Moves the pins to the newest releases and rebuilds; prints what changed. */
export async function update(
  { dryRun = false }: { dryRun?: boolean },
  invocation: Invocation,
): Promise<void> {
  const context = await openContext(invocation)
  const changes = await updateImages(context, { dryRun })
  for (const { name, before, after } of changes) console.log(`${name} ${before} → ${after}`)
  context.log({ kind: 'info', text: summary(changes.length, dryRun) })
}

function summary(changes: number, dryRun: boolean) {
  if (changes === 0) return 'everything is up to date'
  return dryRun
    ? 'nothing was changed; run ./claude.ts update to install these versions'
    : 'built; running stacks switch over at their next ./claude.ts start'
}
