import { HttpError } from '../../tenants/http-error.ts'

/** The paths whose errors have the form of OpenAI's API. */
const openAiPath = /^\/(?:openai|v1)(?:[/?]|$)/

export function isOpenAiPath(url: string): boolean {
  return openAiPath.test(url)
}

/** Returns the error with the status that OpenAI's API has for it. */
export function openAiErrorOf(error: HttpError): HttpError {
  const { status, detail, headers, more, cause } = error
  const [first] = typeof detail === 'string' ? [] : detail
  const param = first ? { param: first.loc.slice(1).join('.') || null } : {}
  const options = { headers, more: { ...param, ...more }, ...(cause !== undefined && { cause }) }
  // It refuses a workspace that does not exist as a body that is wrong.
  const isMissing = status === 400 && /^workspace not found/.test(error.message)
  if (isMissing) {
    return new HttpError(404, error.message, {
      ...options,
      more: { ...more, code: 'workspace_not_found', param: 'X-Claude-Workspace' },
    })
  }
  const statuses: Record<number, number> = { 402: 429, 422: 400 }
  return new HttpError(statuses[status] ?? status, error.message, {
    ...options,
    more: { ...options.more, ...(status === 402 && { code: 'insufficient_quota' }) },
  })
}

/** Renders OpenAI's envelope; `error` comes from `openAiErrorOf`. */
export function renderOpenAiError(error: HttpError): string {
  return JSON.stringify(openAiEnvelope(error))
}

export function openAiEnvelope({ status, message, more }: HttpError) {
  const code = typeof more.code === 'string' ? more.code : codeOf(status)
  const param = typeof more.param === 'string' ? more.param : null
  return { error: { message, type: typeOf(status, code), param, code } }
}

function codeOf(status: number): string | null {
  if (status === 401) return 'invalid_api_key'
  return status === 429 ? 'rate_limit_exceeded' : null
}

function typeOf(status: number, code: string | null): string {
  if (code === 'insufficient_quota') return code
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** A member of a request that cannot be served. */
export function badRequest(message: string, param: string | null = null, code?: string) {
  return new HttpError(400, message, { more: { param, ...(code !== undefined && { code }) } })
}
