import { type RefusalCode, RunRefusal } from '../run/failure.ts'
import { HttpError, invalid } from './http-error.ts'

type Answer = (refusal: RunRefusal) => HttpError

const soon = { headers: { 'retry-after': '5' } }

/** The detail of a session that the worker does not have. */
export const sessionNotFound = 'session not found in this workspace'

/** The one table from the engine's refusals to HTTP. */
const answers: Record<RefusalCode, Answer> = {
  busy: () => new HttpError(409, 'workspace busy, retry later', soon),
  workspace: () => new HttpError(400, 'workspace not found'),
  'no-session': () => new HttpError(400, sessionNotFound),
  request: ({ message }) => invalid(['body'], 'value_error', message),
  schema: ({ message }) => invalid(['body', 'jsonSchema'], 'value_error', message),
  answers: ({ message }) => invalid(['body', 'answers'], 'value_error', message),
  capacity: () => new HttpError(503, 'too many runs at once, retry later', soon),
  stopping: () => new HttpError(503, 'the worker is stopping, retry later', soon),
  unreachable: () => new HttpError(503, 'the worker does not answer, retry later', soon),
  confinement: () =>
    new HttpError(400, 'this server cannot keep workspaces apart: use the root workspace'),
  'unknown-run': () => new HttpError(404, 'run not found'),
  'not-waiting': () => new HttpError(409, 'the run does not wait for an answer'),
  'key-reused': () =>
    invalid(
      ['header', 'Idempotency-Key'],
      'value_error',
      'the idempotency key belongs to another request',
    ),
}

/** Returns the HTTP error of a refusal, and any other error unchanged. */
export function httpErrorOf(error: unknown): unknown {
  if (!(error instanceof RunRefusal)) return error
  return answers[error.code](error)
}

/** Throws the HTTP error of a refusal, and any other error unchanged. */
export function rethrow(error: unknown): never {
  throw httpErrorOf(error)
}

export function stopping() {
  return new HttpError(503, 'the server is stopping, retry later', {
    headers: { 'retry-after': '10', connection: 'close' },
  })
}

export function tooManyBytes() {
  return new HttpError(503, 'runs in progress have too large prompts, retry later', {
    headers: { 'retry-after': '10' },
  })
}

export function tooManyRuns(limit: number) {
  return new HttpError(503, `too many runs at once: ${limit} are in progress`, {
    headers: { 'retry-after': '5' },
  })
}
