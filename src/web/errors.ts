import { STATUS_CODES } from 'node:http'
import type { FastifyInstance } from 'fastify'
import * as z from 'zod'
import { renderCommands } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { RunRefusal } from '../run/failure.ts'

/** A refusal with the status of its answer. */
export class WebError extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.name = 'WebError'
    this.status = status
  }
}

/** The body of an answer that is not 2xx. */
export type ErrorBody = { error: string; hint: string | null }

/** Returns status and body for a failure; what is not for the user stays with this process. */
export function describeError(
  error: unknown,
  calledAs: string,
): { status: number; body: ErrorBody } {
  const text = (message: string) =>
    terminalLine(
      renderCommands(message, words => `${calledAs} ${words}`),
      400,
    )
  if (error instanceof UserError) {
    return { status: 422, body: { error: text(error.message), hint: text(error.hint) } }
  }
  if (error instanceof RunRefusal) return { status: 409, body: refusal(text(error.message)) }
  if (error instanceof WebError) return { status: error.status, body: refusal(error.message) }
  if (error instanceof z.ZodError) return { status: 400, body: refusal('malformed request') }
  const status = statusOf(error)
  return { status, body: refusal(STATUS_CODES[status] ?? 'refused') }
}

/** Answers each failure as JSON. */
export function answerErrors(app: FastifyInstance, { log, calledAs }: ErrorOptions) {
  app.setNotFoundHandler(() => {
    throw new WebError(404, 'not found')
  })
  app.setErrorHandler((error, _request, reply) => {
    const { status, body } = describeError(error, calledAs)
    if (status >= 500) log({ kind: 'warn', text: terminalLine(messageOf(error), 400) })
    return reply.code(status).send(body)
  })
}

type ErrorOptions = { log: Log; calledAs: string }

function refusal(error: string): ErrorBody {
  return { error, hint: null }
}

/** Fastify's own refusals have a status. */
function statusOf(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return 500
  return typeof error.statusCode === 'number' ? error.statusCode : 500
}
