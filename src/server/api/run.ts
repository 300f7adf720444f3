import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { HttpError, invalid } from '../../tenants/http-error.ts'
import type { RunStarter, StartedRun } from '../../tenants/run-starter.ts'
import { findWorkspace } from '../../tenants/workspace.ts'
import type { ServerLimits } from '../limits.ts'
import { whenOver } from '../plugins/answer-over.ts'
import { callerOf } from '../plugins/auth.ts'
import type { ReadJson } from '../plugins/json-body.ts'
import { runRate } from '../plugins/rate.ts'
import { apiState, runAnswer, throwIfFailed } from './run-answer.ts'
import { ignoredHeader, parseRunBody, type RunBody } from './run-body.ts'

export type RunRoutes = {
  starter: RunStarter
  readJson: ReadJson
  limits: ServerLimits
  workspacesFolder: string
  /** Refuses unknown members of a body. */
  strict: boolean
}

/** The surface in the record of a run, which keeps the output format for GET /run/result. */
export const surfaces = { json: 'api', 'json-verbose': 'api:json-verbose' } as const

/** POST /run: the answer when the run has ended, or with `async` when it has started. */
export function serveRun(app: FastifyInstance, parts: RunRoutes) {
  const { starter, limits, readJson, strict, workspacesFolder } = parts

  app.post('/run', { config: { rateLimit: runRate(limits) } }, async (request, reply) => {
    const caller = callerOf(request)
    const idempotencyKey = idempotencyKeyOf(request)
    const left = leaving(reply)
    const { body, ignored } = parseRunBody(await readJson(request), { strict })
    reply.headers(ignoredHeader(ignored))
    const workspace = await findWorkspace(body.workspace, caller, workspacesFolder)
    // A key is given to retry after a lost connection, so the run goes on for the retry.
    const goesOn = body.async || body.fireAndForget || idempotencyKey !== undefined
    const run = await starter.start({
      caller,
      workspace,
      request: runRequestOf(body),
      surface: surfaces[body.outputFormat],
      asks: body.asks,
      ...(body.questionSeconds !== undefined && { questionSeconds: body.questionSeconds }),
      ...(idempotencyKey !== undefined && { idempotencyKey }),
      ...(!goesOn && { signal: left }),
    })
    request.runId = run.id
    if (body.async) {
      await begun(run, limits.startMilliseconds)
      const kept = await starter.of(caller.tenant.name).find(run.id)
      return { runId: run.id, workspace, status: kept ? apiState(kept.state) : 'running' }
    }
    const result = await run.result
    if (caller.token.strictStatus || prefersStrict(request)) throwIfFailed(result)
    return runAnswer(result, body.outputFormat)
  })
}

function runRequestOf(body: RunBody) {
  const { prompt, model, effort, systemPrompt, appendSystemPrompt, jsonSchema, tools } = body
  const session = body.resume
    ? ({ kind: 'resume', id: body.resume } as const)
    : ({ kind: body.noContinue ? 'fresh' : 'continue' } as const)
  const { maxTurns, maxBudgetUsd, timeoutSeconds } = body
  return {
    ...{ prompt, model, effort, systemPrompt, appendSystemPrompt, jsonSchema, tools },
    ...{ session, maxTurns, maxBudgetUsd, timeoutSeconds },
  }
}

/** Waits until a run has started, so that a refusal reaches the client that started it; a later one is stored. */
export async function begun(
  { started, result, acknowledge }: StartedRun,
  milliseconds: number,
): Promise<void> {
  const timer = new AbortController()
  const late = sleep(milliseconds, undefined, { signal: timer.signal }).catch(() => {})
  try {
    await Promise.race([started, result, late])
    // A refused run ends its events first.
    await Promise.race([result, new Promise(resolve => setImmediate(resolve))])
  } finally {
    timer.abort()
  }
  await acknowledge()
}

/** Fires when the client leaves before its answer is complete. */
export function leaving(reply: FastifyReply): AbortSignal {
  const controller = new AbortController()
  whenOver(reply.raw, () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('the client left'))
  })
  return controller.signal
}

/** Returns whether a failure of the model is to be an HTTP error (RFC 7240). */
function prefersStrict({ raw }: FastifyRequest): boolean {
  return /(^|[,;])\s*status\s*=\s*"?strict"?\s*($|[,;])/i.test(String(raw.headers.prefer ?? ''))
}

function idempotencyKeyOf({ raw }: FastifyRequest): string | undefined {
  const key = raw.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x20-\x7e]{1,255}$/.test(key)) return key
  throw invalid(
    ['header', 'Idempotency-Key'],
    'value_error',
    'must be 1 to 255 characters of ASCII',
  )
}

/** Returns a member of the query; null when it is missing or empty. */
export function queryOf(request: FastifyRequest, name: string): string | null {
  const { query } = request
  const value =
    typeof query === 'object' && query !== null
      ? Object.entries(query).find(([key]) => key === name)
      : undefined
  return typeof value?.[1] === 'string' && value[1] !== '' ? value[1] : null
}

export function requiredQuery(request: FastifyRequest, name: string): string {
  const value = queryOf(request, name)
  if (value !== null) return value
  throw new HttpError(422, [
    { type: 'missing', loc: ['query', name], msg: 'Field required', input: null },
  ])
}
