import { UserError } from './errors.ts'

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
