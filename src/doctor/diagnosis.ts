import { command } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import type { Finding } from '../machine/requirements.ts'

/** A repair of `--fix`. None of them loses work or changes allowlist or credentials. */
export type Repair =
  | { kind: 'set-mode'; path: string; mode: number }
  | { kind: 'start-engine' }
  | { kind: 'build-images' }
  | { kind: 'remove-images'; names: readonly string[] }
  | { kind: 'remove-files'; paths: readonly string[] }
  | { kind: 'remove-networks'; stacks: readonly string[] }

/** The result of one check. */
export type Check = Finding & { repair?: Repair }

export const groups = [
  'engine',
  'kernel',
  'configuration',
  'allowlist',
  'storage',
  'live proof',
] as const
export type Group = (typeof groups)[number]

export type Diagnosis = Check & { group: Group }

export function ok(id: string, message: string): Check {
  return { id, severity: 'ok', message, hint: '' }
}

export function note(id: string, message: string, hint: string): Check {
  return { id, severity: 'note', message, hint }
}

export function warning(id: string, message: string, hint: string, repair?: Repair): Check {
  return { id, severity: 'warning', message, hint, ...(repair && { repair }) }
}

export function problem(id: string, message: string, hint: string, repair?: Repair): Check {
  return { id, severity: 'refusal', message, hint, ...(repair && { repair }) }
}

export async function attempt<T>(
  work: () => Promise<T>,
): Promise<{ value: T | null; error: unknown }> {
  try {
    return { value: await work(), error: null }
  } catch (error) {
    return { value: null, error }
  }
}

/** Turns an error into a finding. */
export function failed(id: string, error: unknown): Check {
  const hint = error instanceof UserError ? error.hint : `run ${command('doctor --verbose')}`
  return problem(id, messageOf(error), hint)
}
