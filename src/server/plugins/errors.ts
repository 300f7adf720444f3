import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { messageOf, systemCode } from '../../base/errors.ts'
import { isRecord } from '../../base/json.ts'
import { HttpError, notFound, renderError } from '../../tenants/http-error.ts'
import type { ServerLog } from '../../tenants/server-log.ts'
import {
  anthropicErrorOf,
  renderAnthropicError,
  speaksAnthropic,
} from '../messages/anthropic-error.ts'
import { isOpenAiPath, openAiErrorOf, renderOpenAiError } from '../openai/openai-error.ts'

/** Above this many bytes, a refused body is not read to its end: the connection is closed. */
const unreadBytes = 1024 * 1024

/** SQLITE_FULL, without the bits that say more. */
const sqliteFull = 13

/**
 * Answers every failure as `{"detail": …}`, or below their paths in the form of OpenAI's and Anthropic's APIs, and
 * hides what is not the client's business.
 */
export function answerErrors(app: FastifyInstance, log: ServerLog) {
  const paths = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = paths.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    paths.set(url, methods)
  })

  app.setNotFoundHandler(request => {
    const methods = methodsAt(paths, request.raw.url ?? '')
    if (!methods) throw notFound()
    throw new HttpError(405, 'Method Not Allowed', { headers: { allow: [...methods].join(', ') } })
  })

  app.setErrorHandler((error, request, reply) => {
    sendError(request, reply, asHttpError(error, request, log))
  })
}

export function sendError(request: FastifyRequest, reply: FastifyReply, given: HttpError) {
  const { shown: error, render } = formOf(request, given)
  const announced = Number(request.raw.headers['content-length'] ?? 0)
  const streamed = request.raw.headers['transfer-encoding'] !== undefined
  if (!request.raw.complete && (streamed || announced > unreadBytes))
    reply.header('connection', 'close')
  reply
    .code(error.status)
    .headers(error.headers)
    .header('content-type', 'application/json')
    .send(render(error))
}

function formOf({ raw }: FastifyRequest, error: HttpError) {
  if (speaksAnthropic(raw)) return { shown: anthropicErrorOf(error), render: renderAnthropicError }
  if (isOpenAiPath(raw.url ?? '')) return { shown: openAiErrorOf(error), render: renderOpenAiError }
  return { shown: error, render: renderError }
}

/** Returns the methods of the routes that have this path; null when there is none. */
function methodsAt(paths: ReadonlyMap<string, ReadonlySet<string>>, target: string) {
  const path = (target.split('?')[0] ?? '').replace(/(?<=.)\/$/, '')
  for (const [pattern, methods] of paths) {
    const prefix = pattern.endsWith('*') ? pattern.slice(0, -1) : null
    if (pattern === path || (prefix !== null && path.startsWith(prefix))) return methods
  }
  return null
}

function asHttpError(error: unknown, request: FastifyRequest, log: ServerLog): HttpError {
  if (error instanceof HttpError) return error
  const status = statusOf(error)
  // Fastify's own refusals, whose words name its internals.
  if (status >= 400 && status < 500) return new HttpError(status, STATUS_CODES[status] ?? 'refused')
  log({
    kind: 'error',
    message: messageOf(error),
    ...(request.caller && { token: request.caller.token.name, tenant: request.caller.tenant.name }),
    ...(request.runId !== null && { runId: request.runId }),
  })
  if (isFull(error)) return new HttpError(507, 'the disk of the server is full', { cause: error })
  return new HttpError(500, 'Internal Server Error', { cause: error })
}

/** Returns whether a disk or a database is full. */
function isFull(error: unknown): boolean {
  const code = systemCode(error)
  if (code === 'ENOSPC' || code === 'EDQUOT') return true
  const cause = error instanceof Error ? error.cause : undefined
  return (
    isRecord(cause) && typeof cause.errcode === 'number' && (cause.errcode & 0xff) === sqliteFull
  )
}

function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500
  return typeof error.statusCode === 'number' ? error.statusCode : 500
}

/** Answers malformed, slow or oversized HTTP with an error, and closes the connection. */
export function refuseMalformed(error: Error & { code?: string }, socket: Socket, log: ServerLog) {
  const code = error.code ?? 'UNKNOWN'
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  log({ kind: 'malformed', reason: code })
  const status =
    code === 'HPE_HEADER_OVERFLOW' ? 431 : code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  const body = renderError(new HttpError(status, STATUS_CODES[status] ?? 'Bad Request'))
  // An answer may have begun on this connection; more bytes would become part of it.
  if (socket.bytesWritten > 0) socket.destroy()
  else {
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\ncontent-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    )
  }
}
