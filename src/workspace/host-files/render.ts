import { command } from '../../base/command.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { HostFileChange } from './changes.ts'

/** More than this is not read after a session. */
const shown = 10

/** Lines for a terminal; none when nothing changed. A removed file runs nothing and is not told. */
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
