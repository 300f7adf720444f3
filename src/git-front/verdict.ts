import { terminalLine } from '../base/terminal-text.ts'
import { protectedNames } from '../config/protected-names.ts'
import { isWithin } from '../files/beneath.ts'
import type { Call } from './command-line.ts'
import type { Repository } from './repository.ts'

/**
 * What becomes of a call. `pass`: the real git runs it. `refuse`: it would change protected files.
 * `run`: the real git runs it with these arguments instead.
 */
export type Verdict =
  | { kind: 'pass' }
  | { kind: 'refuse'; changes: readonly string[]; hint?: string }
  | { kind: 'forbid'; reason: string; hint: string }
  | {
      kind: 'run'
      globals: readonly string[]
      args: readonly string[]
      excludes: readonly string[]
    }

/** Judges the arguments of one command, before the real git begins. */
export type Check = (repository: Repository, args: readonly string[]) => Verdict

export const pass: Verdict = { kind: 'pass' }

/** Refuses when protected files would change. `hint` replaces the advice to run it on the host. */
export function refuseIf(changes: readonly string[], hint?: string): Verdict {
  if (changes.length === 0) return pass
  return { kind: 'refuse', changes: [...new Set(changes)].sort(), ...(hint && { hint }) }
}

/** Returns the first verdict that is not `pass`; the later ones are not asked for. */
export function firstOf(...checks: readonly (() => Verdict)[]): Verdict {
  for (const check of checks) {
    const verdict = check()
    if (verdict.kind !== 'pass') return verdict
  }
  return pass
}

/** Maximum paths in a message. */
const shown = 5
/** Maximum characters of a line. */
const lineLimit = 4_000

export function renderRefusal(
  call: Call,
  { changes, hint }: { changes: readonly string[]; hint?: string },
  /** Names that PROTECT_ALSO adds. */
  also: readonly string[] = [],
): string[] {
  const listed = changes.slice(0, shown).join(', ')
  const more = changes.length > shown ? ` and ${changes.length - shown} more` : ''
  const added = also.filter(name => changes.some(path => isWithin(name, path)))
  const shipped = changes.filter(path => !added.some(name => isWithin(name, path)))
  const names = [...new Set(shipped.map(nameOf))].map(name => `-${name}`).join(',')
  const settings = [
    ...(names === '' ? [] : [`set PROTECT=${names}`]),
    ...(added.length === 0 ? [] : [`remove ${added.join(' and ')} from PROTECT_ALSO`]),
  ].join(' and ')
  const onHost = `ask the user to run ${typed(call)} on the host, or to ${settings} in .env and to stop and start the stack`
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
  return protectedNames.find(name => isWithin(name, path)) ?? '.git'
}
