import * as z from 'zod'
import type { DeclaredMount } from '../stack/additions/declared-mounts.ts'
import { labels } from '../stack/labels.ts'
import type { InspectedContainer } from './inspections.ts'

const Declared = z.array(
  z.strictObject({ source: z.string(), target: z.string(), writable: z.boolean() }),
)

/**
 * Returns the additional mounts that the user declared, as recorded by `start`. The label belongs to
 * the container and not to its processes, so no agent can change it. Returns none where the label is
 * unreadable, so that every mount counts as unexpected.
 */
export function declaredMounts({
  Config,
}: {
  Config: Pick<InspectedContainer['Config'], 'Labels'>
}): DeclaredMount[] {
  try {
    return Declared.parse(JSON.parse(Config.Labels?.[labels.mounts] ?? '[]'))
  } catch {
    return []
  }
}
