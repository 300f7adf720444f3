import { camelKeys } from '../../run/camel-keys.ts'
import { apiStatusOf, describeFailure } from '../../run/failure.ts'
import type { RunResult } from '../../run/result.ts'
import type { RunState, RunSummary } from '../../run/store/store.ts'
import { HttpError } from '../../tenants/http-error.ts'

export type OutputFormat = 'json' | 'json-verbose'

export const apiStates = [
  'running',
  'waiting',
  'completed',
  'failed',
  'cancelled',
  'interrupted',
] as const
export type ApiState = (typeof apiStates)[number]

/** Returns the word of the API for a state. */
export function apiState(state: RunState): ApiState {
  switch (state) {
    case 'succeeded':
      return 'completed'
    case 'timed-out':
      return 'failed'
    default:
      return state
  }
}

/**
 * Builds the answer of an ended run: Claude Code's own result with its keys in camelCase, `runId` and the
 * absolute `workspace`. A run that has no such result says so with `status` and `error`.
 */
export function runAnswer(result: RunResult, format: OutputFormat): Record<string, unknown> {
  const { runId, workspace, status, error, claude } = result
  const place = { runId, workspace }
  const verbose = format === 'json-verbose' ? turnsOf(result) : {}
  const failure = error === null ? {} : { error: describeFailure(error) }
  if (status === 'cancelled') {
    return { ...place, status: 'cancelled', isError: true, ...sessionOf(result), ...verbose }
  }
  if (!claude || status === 'timed-out' || status === 'interrupted') {
    return {
      ...place,
      status: apiState(status),
      isError: true,
      ...failure,
      ...sessionOf(result),
      ...verbose,
    }
  }
  const spelt = { permissionDenials: [], ...(camelKeys(claude) as Record<string, unknown>) }
  // Claude Code calls a result good that does not match the schema.
  const unlike =
    status === 'failed' && claude.is_error !== true ? { isError: true, ...failure } : {}
  return { ...spelt, ...unlike, ...verbose, ...place }
}

/** Builds the answer of GET /run/result for a run that goes on. */
export function unendedAnswer({ runId, workspace, state, question }: RunSummary) {
  return { runId, workspace, status: apiState(state), ...(question && { question }) }
}

/** Throws the HTTP error of a run that failed, for clients that ask for it. */
export function throwIfFailed({ status, error, runId }: RunResult): void {
  if (status === 'succeeded' || status === 'cancelled') return
  const late = error?.code === 'timed-out' || error?.code === 'worker-timeout'
  throw new HttpError(late ? 504 : 502, error ? describeFailure(error) : status, {
    more: { apiErrorStatus: error && apiStatusOf(error), runId },
  })
}

function sessionOf({ sessionId, costUsd }: RunResult) {
  return { sessionId, totalCostUsd: costUsd ?? 0, permissionDenials: [] }
}

function turnsOf({ turns, system }: RunResult) {
  return { turns: camelKeys(turns), system: camelKeys(system) }
}
