/** A member of the list that a 422 carries, in the form that clients of FastAPI know. */
export type Invalid = { type: string; loc: (string | number)[]; msg: string; input: unknown }

/** An answer other than 200: `{"detail": …}`. */
export class HttpError extends Error {
  readonly status: number
  readonly detail: string | readonly Invalid[]
  readonly headers: Record<string, string>
  /** Further members of the answer beside `detail`. */
  readonly more: Record<string, unknown>

  constructor(
    status: number,
    detail: string | readonly Invalid[],
    options: {
      headers?: Record<string, string>
      more?: Record<string, unknown>
      cause?: unknown
    } = {},
  ) {
    const message = typeof detail === 'string' ? detail : (detail[0]?.msg ?? 'invalid request')
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'HttpError'
    this.status = status
    this.detail = detail
    this.headers = options.headers ?? {}
    this.more = options.more ?? {}
  }
}

export function renderError(error: HttpError): string {
  return JSON.stringify({ detail: error.detail, ...error.more })
}

export function notFound() {
  return new HttpError(404, 'Not Found')
}

export function unauthorized() {
  return new HttpError(401, 'unauthorized', { headers: { 'www-authenticate': 'Bearer' } })
}

/** One problem with one member of a request. */
export function invalid(
  loc: (string | number)[],
  type: string,
  msg: string,
  input: unknown = null,
) {
  return new HttpError(422, [{ type, loc, msg, input: shownInput(input) }])
}

const shownCharacters = 200

/** Returns the value for an answer: a refusal must not send a large body back. */
export function shownInput(input: unknown): unknown {
  if (typeof input === 'string') return input.slice(0, shownCharacters)
  if (typeof input === 'number' || typeof input === 'boolean') return input
  if (Array.isArray(input)) return []
  return typeof input === 'object' && input !== null ? {} : null
}
