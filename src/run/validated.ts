import type { Validate } from './json-schema.ts'
import type { RunResult } from './result.ts'

/** A result that was to have a form and has not is none. */
export function validated(result: RunResult, validate: Validate | null): RunResult {
  if (!validate || result.status !== 'succeeded') return result
  const given = result.claude !== null && 'structured_output' in result.claude
  const wrong = given ? validate(result.claude?.structured_output) : null
  if (given && wrong === null) return result
  const message = given
    ? `the answer does not have the form of the schema: ${wrong}`
    : 'the model gave no answer in the form of the schema'
  const hint = 'ask again, or say in the prompt what each field is for'
  return { ...result, status: 'failed', error: { message, hint, apiErrorStatus: null } }
}
