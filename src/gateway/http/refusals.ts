import { ApiError } from '../api-error.ts'

/** Returns the error of a request that is none of the gateway's. */
export function notServed() {
  return new ApiError(
    403,
    'permission_error',
    'claude-secure: the gateway serves POST /v1/messages, POST /v1/messages/count_tokens and HEAD / only.',
  )
}

/**
 * Returns the error of a request beyond the limit.
 *
 * @param most requests that may be in flight at once.
 */
export function overloaded(most: number, callers: number) {
  const shared = callers === 1 ? '' : ', or kept for other tenants'
  return new ApiError(
    529,
    'overloaded_error',
    `claude-secure: too many requests: ${most} are already in flight${shared}.`,
    { retry: true },
  )
}
