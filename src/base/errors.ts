/** Exit status of a command: 0 done, 1 failed, 2 wrong usage, 124 out of time, 130 cancelled. */
export type ExitCode = 1 | 2 | 124 | 130

/**
 * A failure that the person at the keyboard can act on: `message` says what failed and with which
 * value, `hint` the next step. The command line prints exactly these two lines; the `cause` only
 * with `--verbose`.
 */
export class UserError extends Error {
  readonly hint: string
  readonly exitCode: ExitCode

  constructor(message: string, options: { hint: string; exitCode?: ExitCode; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'UserError'
    this.hint = options.hint
    this.exitCode = options.exitCode ?? 1
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The code of a failed system call, as `ENOENT`, also when a `UserError` was made of it; else null. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? null : systemCode(error.cause)
}

export function isMissing(error: unknown): boolean {
  return systemCode(error) === 'ENOENT'
}
