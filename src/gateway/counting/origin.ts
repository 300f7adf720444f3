import { AgentName, otherName, type UsageOrigin } from '../../usage/entry.ts'
import { headerValues } from '../http/headers.ts'

/**
 * Returns where a request comes from. Claude Code names its session and its agents; the agent can send
 * any name, so they decide only how the usage of its own meter is divided.
 */
export function originOf(rawHeaders: readonly string[], meter: string): UsageOrigin {
  const session = nameIn(rawHeaders, 'x-claude-code-session-id')
  const agent = nameIn(rawHeaders, 'x-claude-code-agent-id')
  const parentAgent = nameIn(rawHeaders, 'x-claude-code-parent-agent-id')
  return {
    meter,
    ...(session !== null && { session }),
    ...(agent !== null && { agent }),
    ...(agent !== null && parentAgent !== null && { parentAgent }),
  }
}

/** Returns a name; null without the header. Anything but one well-formed name is `other`. */
function nameIn(rawHeaders: readonly string[], header: string): string | null {
  const values = headerValues(rawHeaders, header)
  if (values.length === 0) return null
  const parsed = AgentName.safeParse(values.length === 1 ? values[0] : '')
  return parsed.success ? parsed.data : otherName
}
