import * as z from 'zod'
import type { DeclaredMount } from '../stack/additions/declared-mounts.ts'
import { labels } from '../stack/labels.ts'
import type { InspectedContainer } from './inspections.ts'

const Declared = z.array(
  z.strictObject({ source: z.string(), target: z.string(), writable: z.boolean() }),
)

/**
 * What the user mounts besides, as `start` wrote it down. The label is of the container and not of what
 * runs in it: no agent can change it. None where it cannot be read, so that every mount is then strange.
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
