/** Error types of the Messages API that the gateway itself returns. */
export type ApiErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'billing_error'
  | 'permission_error'
  | 'not_found_error'
  | 'request_too_large'
  | 'rate_limit_error'
  | 'api_error'
  | 'timeout_error'
  | 'overloaded_error'

/** An error of the gateway in the form of the Messages API, so that Claude Code shows its message. */
export class ApiError extends Error {
  readonly status: number
  readonly type: ApiErrorType
  /** True if the same request may succeed soon; if false, Claude Code must not retry for minutes. */
  readonly retry: boolean

  constructor(
    status: number,
    type: ApiErrorType,
    message: string,
    options: { retry?: boolean; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'ApiError'
    this.status = status
    this.type = type
    this.retry = options.retry ?? false
  }
}

export function renderApiError(type: ApiErrorType, message: string): string {
  return JSON.stringify({ type: 'error', error: { type, message } })
}

/**
 * Builds the headers of an error. Anthropic's clients obey `x-should-retry` before they look at the
 * status.
 */
export function apiErrorHeaders(error: ApiError): Record<string, string> {
  return { 'content-type': 'application/json', 'x-should-retry': String(error.retry) }
}
