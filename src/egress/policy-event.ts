import * as z from 'zod'
import { parseJsonLine } from '../base/json-line.ts'

/** What the proxy says of the policy it was given: a line of its log (`say` in proxy/policy.sh). */
const PolicyEvent = z.object({
  event: z.enum(['policy-loaded', 'policy-refused']),
  text: z.string(),
  /** SHA-256 of the file it is about. */
  digest: z.string().optional(),
})
export type PolicyEvent = z.infer<typeof PolicyEvent>

export function parsePolicyEvent(line: string): PolicyEvent | undefined {
  const { success, data } = PolicyEvent.safeParse(parseJsonLine(line))
  return success ? data : undefined
}

/**
 * Why the squid.conf on disk is not the policy in force, from the lines of the proxy's log, oldest
 * first; null when it is.
 */
export function refusedPolicy(lines: readonly string[]): string | null {
  for (const line of lines.toReversed()) {
    const event = parsePolicyEvent(line)
    if (event) return event.event === 'policy-refused' ? event.text : null
  }
  return null
}
