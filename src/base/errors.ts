/** Exit status of a command: 0 success, 1 failure, 2 wrong usage, 3 not ended yet, 124 timeout, 130 cancelled. */
export type ExitCode = 1 | 2 | 3 | 124 | 130

/**
 * A failure that the user can act on: `message` says what failed and with which value, `hint` gives
 * the next step. The command line prints exactly these two lines, and the `cause` only with
 * `--verbose`.
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

/** Returns the message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Returns the code of a failed system call, such as `ENOENT`, also from a `UserError`; else null. */
export function systemCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? null : systemCode(error.cause)
}

export function isMissing(error: unknown): boolean {
  return systemCode(error) === 'ENOENT'
}

/** Several refusals in one error. */
class UserErrors extends UserError {
  readonly errors: readonly UserError[]

  constructor(errors: readonly UserError[]) {
    const hints = [...new Set(errors.map(({ hint }) => hint))]
    super(`${errors.length} errors: ${errors.map(({ message }) => message).join('; ')}`, {
      hint: hints.join('; '),
      exitCode: errors[0]?.exitCode ?? 1,
    })
    this.errors = errors
  }
}

/** Collects refusals, so that a user sees all of them at once and not one per try. */
export function createProblems() {
  const found: UserError[] = []
  /** Keeps a refusal; rethrows any other error. */
  const add = (error: unknown): void => {
    if (!(error instanceof UserError)) throw error
    found.push(...(error instanceof UserErrors ? error.errors : [error]))
  }
  return {
    add,
    /** Returns the result of a step; undefined when the step was refused. */
    async attempt<T>(step: () => T | Promise<T>): Promise<T | undefined> {
      try {
        return await step()
      } catch (error) {
        add(error)
        return undefined
      }
    },
    /** Throws one error for all refusals; the only one unchanged. */
    throwIfAny(): void {
      const [first, ...more] = found
      if (first === undefined) return
      throw more.length === 0 ? first : new UserErrors(found)
    },
  }
}
