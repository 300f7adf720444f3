import { terminalLine } from '../base/terminal-text.ts'

/** Returns what an answer of the parent proxy to CONNECT means; null when it opened the tunnel. */
export function troubleOfStatus(status: number, name: string): string | null {
  if (status >= 200 && status < 300) return null
  const shown = terminalLine(name, 100)
  if (status === 407) return 'refuses the user and password (407)'
  if (status === 403) return `refuses ${shown} (403)`
  if (status === 502 || status === 503 || status === 504) return `cannot reach ${shown} (${status})`
  return `answers ${status} for ${shown}`
}
