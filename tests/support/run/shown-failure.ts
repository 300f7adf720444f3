import { hintFor } from '../../../src/cli/run/failure-messages.ts'
import { apiStatusOf, describeFailure, type RunFailure } from '../../../src/run/failure.ts'

/** What a person reads of a failure, and the status of the API in it. */
export function shown(failure: RunFailure | null) {
  if (!failure) return null
  return {
    message: describeFailure(failure),
    hint: hintFor(failure, '0123456789abcdef'),
    apiErrorStatus: apiStatusOf(failure),
  }
}
