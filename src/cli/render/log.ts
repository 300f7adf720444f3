import { terminalLine } from '../../base/terminal-text.ts'
import { parseAccessDecision, renderDecision } from '../../egress/proxy-log.ts'

/** How a line of a service's log is shown: the proxy's decisions in words, the rest made harmless. */
export function renderLogLine(service: string): (line: string) => string {
  const plain = (line: string) => terminalLine(line, 2_000)
  if (service !== 'proxy') return plain
  return line => {
    const decision = parseAccessDecision(line)
    return decision ? renderDecision(decision) : plain(line)
  }
}
