/** The error types of the Messages API that the gateway speaks itself. */
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

/** An answer of our own in the form of the Messages API, so that Claude Code shows its message. */
export class ApiError extends Error {
  readonly status: number
  readonly type: ApiErrorType
  /** Whether the same request may succeed soon; if not, Claude Code must not retry for minutes. */
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

/** `x-should-retry` is what Anthropic's own clients obey before they look at the status. */
export function apiErrorHeaders(error: ApiError): Record<string, string> {
  return { 'content-type': 'application/json', 'x-should-retry': String(error.retry) }
}
