import { terminalLine } from '../base/terminal-text.ts'
import { protectedNames } from '../config/protected-names.ts'
import type { Call } from './command-line.ts'

/** Maximum paths in a message. */
const shown = 5
/** Maximum characters of a line. */
const lineLimit = 4_000

export function renderRefusal(
  call: Call,
  { changes, hint }: { changes: readonly string[]; hint?: string },
): string[] {
  const listed = changes.slice(0, shown).join(', ')
  const more = changes.length > shown ? ` and ${changes.length - shown} more` : ''
  const names = [...new Set(changes.map(nameOf))].map(name => `-${name}`).join(',')
  const onHost = `ask the user to run ${typed(call)} on the host, or to set PROTECT=${names} in .env and to run claude.ts stop and start`
  return [
    terminalLine(
      `error: ${typed(call)} would change ${listed}${more}, which the host runs and the agent cannot write; nothing was changed`,
      lineLimit,
    ),
    terminalLine(`hint: ${hint ? `${hint}; or ` : ''}${onHost}`, lineLimit),
  ]
}

export function renderForbidden(
  call: Call,
  { reason, hint }: { reason: string; hint: string },
): string[] {
  return [
    terminalLine(`error: ${typed(call)} was not run: ${reason}; nothing was changed`, lineLimit),
    terminalLine(`hint: ${hint}`, lineLimit),
  ]
}

function typed({ command, args }: Call) {
  const text = ['git', command, ...args].join(' ')
  return text.length > 100 ? `${text.slice(0, 99)}…` : text
}

/** Returns the name in PROTECT that covers a path; what git's configuration names belongs to `.git`. */
function nameOf(path: string) {
  return protectedNames.find(name => path === name || path.startsWith(`${name}/`)) ?? '.git'
}
