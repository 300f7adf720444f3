import { describeFailure, type RunFailure } from '../../run/failure.ts'
import type { RunResult } from '../../run/result.ts'
import { HttpError } from '../../tenants/http-error.ts'

/** Statuses of the model's API that say something about the request, not about the server's own credential. */
const passedOn = new Set([400, 404, 413, 429])

/** Returns the error of a run that did not succeed; null for one that did. */
export function failureOf({ status, error, runId }: RunResult): HttpError | null {
  if (status === 'succeeded') return null
  const failure: RunFailure = error ?? { code: 'no-verdict' }
  return new HttpError(statusOf(failure), describeFailure(failure), {
    more: { runId, ...codeOf(failure) },
    // The run has cost something: the clients of OpenAI would start it again by themselves.
    headers: { 'x-should-retry': 'false', 'x-claude-run-id': runId },
  })
}

function statusOf(failure: RunFailure): number {
  switch (failure.code) {
    case 'api-status':
      return statusOfApi(failure.status)
    case 'api-gave-up':
      return failure.status === null ? 504 : statusOfApi(failure.status)
    case 'earlier':
      return failure.status === null ? 502 : statusOfApi(failure.status)
    case 'timed-out':
    case 'worker-timeout':
      return 504
    case 'prompt-too-long':
      return 400
    case 'max-budget':
      return 429
    // As a client that left.
    case 'cancelled':
      return 499
    case 'refused':
    case 'worker-stopped':
    case 'interrupted':
      return 503
    default:
      return 502
  }
}

function statusOfApi(status: number): number {
  return status >= 500 || passedOn.has(status) ? status : 502
}

function codeOf(failure: RunFailure): { code?: string } {
  if (failure.code === 'prompt-too-long') return { code: 'context_length_exceeded' }
  if (failure.code === 'max-budget') return { code: 'insufficient_quota' }
  return failure.code === 'cancelled' ? { code: 'cancelled' } : {}
}
