import { command } from '../../base/command.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { HostFileChange } from './changes.ts'

/** Maximum lines: users do not read more after a session. */
const shown = 10

/** Renders lines for a terminal; none when nothing changed. Omits removed files, which cannot run. */
export function renderHostFileChanges(changes: readonly HostFileChange[], limit = shown): string[] {
  const [first, ...more] = changes.filter(({ kind }) => kind !== 'removed').map(changeText)
  if (first === undefined) return []
  const listed = more.slice(0, limit - 1)
  const left = more.length - listed.length
  return [
    `read before you run anything here: ${first}`,
    ...listed.map(text => `  ${text}`),
    ...(left > 0 ? [`  and ${left} more: ${command('audit')}`] : []),
  ]
}

function changeText({ path, kind, detail }: HostFileChange) {
  if (kind === 'not looked at') return `not everything was looked at: ${terminalLine(detail)}`
  return `${terminalLine(path)} (${terminalLine(detail || kind)})`
}
