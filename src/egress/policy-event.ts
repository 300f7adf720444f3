import * as z from 'zod'

/** What the proxy says of the policy it was given: a line of its log (`say` in proxy/policy.sh). */
const PolicyEvent = z.object({
  event: z.enum(['policy-loaded', 'policy-refused']),
  text: z.string(),
})

/**
 * Why the squid.conf on disk is not the policy in force, from the lines of the proxy's log, oldest
 * first; null when it is.
 */
export function refusedPolicy(lines: readonly string[]): string | null {
  for (const line of lines.toReversed()) {
    const { success, data } = PolicyEvent.safeParse(json(line))
    if (success) return data.event === 'policy-refused' ? data.text : null
  }
  return null
}

function json(line: string): unknown {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
