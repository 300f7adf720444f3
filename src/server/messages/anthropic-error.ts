import type { IncomingMessage } from 'node:http'
import { HttpError } from '../../tenants/http-error.ts'
import { isOpenAiPath, openAiErrorOf } from '../openai/openai-error.ts'

const messagesPath = /^\/(?:openai\/)?v1\/messages(?:[/?]|$)/

/** Returns whether a request is one to Anthropic's API: by its path or, for the models, by its header. */
export function speaksAnthropic({ url = '', headers }: IncomingMessage): boolean {
  return messagesPath.test(url) || (isOpenAiPath(url) && headers['anthropic-version'] !== undefined)
}

const types: Record<number, string> = {
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  500: 'api_error',
  502: 'api_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

/** Returns the error with the status that Anthropic's API has for it. */
export function anthropicErrorOf(given: HttpError): HttpError {
  const error = openAiErrorOf(given)
  if (error.more.code !== 'insufficient_quota') return error
  const { message, headers, more } = error
  return new HttpError(402, message, { headers, more })
}

/** Renders Anthropic's envelope; `error` comes from `anthropicErrorOf`. */
export function renderAnthropicError(error: HttpError): string {
  return JSON.stringify(anthropicEnvelope(error))
}

export function anthropicEnvelope({ status, message, more: { details } }: HttpError) {
  const other = status >= 500 ? 'api_error' : 'invalid_request_error'
  const told = details === undefined ? {} : { details }
  return { type: 'error', error: { type: types[status] ?? other, message, ...told } }
}
