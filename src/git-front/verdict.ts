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
