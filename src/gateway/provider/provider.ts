import type { Readable } from 'node:stream'
import { isRecord, parseJson } from '../../base/json.ts'
import { readBounded } from '../../base/read-bounded.ts'
import { type ApiErrorType, renderApiError } from '../api-error.ts'
import type { Credential } from '../credential.ts'
import type { Upstream } from '../http/upstream.ts'

/** A request of the Messages API as the caller sent it. */
export interface ModelRequest {
  route: 'messages' | 'count-tokens'
  /** Path and query as received. */
  target: string
  rawHeaders: readonly string[]
  body: Readable
  credential: Credential
  signal: AbortSignal
}

/** An answer in the form of the Messages API. */
export interface ModelAnswer {
  statusCode: number
  /** The headers that reach the caller. */
  headers: Record<string, string | string[]>
  body: AsyncIterable<Buffer>
}

/**
 * A service that runs the model. Takes and returns the Messages API, regardless of what the service
 * speaks, and signs with the real credential.
 */
export interface Provider {
  /** The place that failures name. */
  readonly upstream: Pick<Upstream, 'origin' | 'proxy'>
  send(request: ModelRequest): Promise<ModelAnswer>
  close(): Promise<void>
}

const bodyBytes = 64 * 1024
const messageCharacters = 1000

const types = new Map<number, ApiErrorType>([
  [401, 'authentication_error'],
  [403, 'permission_error'],
  [404, 'not_found_error'],
  [408, 'timeout_error'],
  [413, 'request_too_large'],
  [424, 'api_error'],
  [429, 'rate_limit_error'],
  [503, 'overloaded_error'],
  [504, 'timeout_error'],
  [529, 'overloaded_error'],
])

export function errorTypeOf(status: number): ApiErrorType {
  return types.get(status) ?? (status >= 500 ? 'api_error' : 'invalid_request_error')
}

/**
 * Translates the error of a cloud service into one of the Messages API, which Claude Code shows and
 * judges. A message of the service passes on; it never contains the credential.
 */
export async function translateError(
  service: string,
  statusCode: number,
  retryAfter: string | string[] | undefined,
  body: AsyncIterable<Buffer>,
): Promise<ModelAnswer> {
  const text = String(await readBounded(body, bodyBytes, 'the error').catch(() => ''))
  const value = parseJson(text)
  const message = `${service}: ${messageIn(value) ?? `status ${statusCode}`}`
  const own = isRecord(value) && value.type === 'error' ? JSON.stringify(value) : null
  return {
    statusCode,
    headers: {
      'content-type': 'application/json',
      ...(retryAfter !== undefined && { 'retry-after': retryAfter }),
    },
    body: once(own ?? renderApiError(errorTypeOf(statusCode), message.slice(0, messageCharacters))),
  }
}

/** Returns the message of `{"message"}`, `{"Message"}`, `{"error":{"message"}}` or a list of these. */
function messageIn(value: unknown): string | null {
  const record: unknown = Array.isArray(value) ? value[0] : value
  if (!isRecord(record)) return null
  const found = record.message ?? record.Message
  if (typeof found === 'string') return found
  return isRecord(record.error) ? messageIn(record.error) : null
}

export async function* once(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text)
}
