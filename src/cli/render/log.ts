import { terminalLine } from '../../base/terminal-text.ts'
import { parseAccessDecision, renderDecision } from '../../egress/proxy-log.ts'
import { serviceOfEgress } from '../../stack/services.ts'

/** Returns the renderer of a service's log lines: proxy decisions in words, other lines sanitised. */
export function renderLogLine(service: string): (line: string) => string {
  const plain = (line: string) => terminalLine(line, 2_000)
  if (service !== serviceOfEgress) return plain
  return line => {
    const decision = parseAccessDecision(line)
    return decision ? renderDecision(decision) : plain(line)
  }
}
