import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { RunEngine } from '../../run/engine.ts'
import type { RunSummary } from '../../run/store/store.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { rethrow } from '../../tenants/refusals.ts'
import { findWorkspace, maySee } from '../../tenants/workspace.ts'
import { callerOf } from '../plugins/auth.ts'
import { runRate } from '../plugins/rate.ts'
import { AnswerBody, MessageBody } from './bodies.ts'
import { begun, leaving, queryOf, type RunRoutes, requiredQuery, surfaces } from './run.ts'
import { runAnswer, unendedAnswer } from './run-answer.ts'
import { parseMembers, readMembers } from './run-body.ts'

/** GET /run/result, and the routes that act on a run: cancel, answer, message. */
export function serveRunControl(app: FastifyInstance, parts: RunRoutes) {
  const { starter, limits, readJson, workspacesFolder } = parts
  const engineOf = (request: FastifyRequest) => starter.of(callerOf(request).tenant.name)

  app.get('/run/result', async request => {
    const run = await visibleRun(engineOf(request), request)
    if (run.endedAt === null) return unendedAnswer(run)
    const result = await engineOf(request).result(run.runId)
    if (!result) throw runNotFound()
    const isVerbose = (queryOf(request, 'outputFormat') ?? formatOf(run)) === 'json-verbose'
    return runAnswer(result, isVerbose ? 'json-verbose' : 'json')
  })

  app.post('/run/cancel', async (request, reply) => {
    const engine = engineOf(request)
    const asked = queryOf(request, 'runId')
    const run = asked === null ? await runOfWorkspace(request) : await visibleRun(engine, request)
    // The workspace may have a newer run by now, which this must not end.
    if (!run || run.endedAt !== null) throw new HttpError(404, 'no running process for workspace')
    request.runId = run.runId
    await engine.cancel(run.runId).catch(rethrow)
    await engine
      .ended(run.runId, { timeout: limits.cancelMilliseconds, signal: leaving(reply) })
      .catch(() => false)
    return { status: 'ok', ...(asked !== null && { runId: run.runId }), workspace: run.workspace }
  })

  app.post('/run/answer', async request => {
    const engine = engineOf(request)
    const { runId, workspace } = await visibleRun(engine, request)
    const { known } = readMembers(await readJson(request), new Map([['answers', 'answers']]))
    const { answers } = parseMembers(AnswerBody, { answers: null, ...known })
    await engine.answer(runId, answers).catch(rethrow)
    return { status: 'ok', runId, workspace }
  })

  /** The message is the next turn of the run's session, and a run of its own. */
  app.post('/run/message', { config: { rateLimit: runRate(limits) } }, async request => {
    const engine = engineOf(request)
    const caller = callerOf(request)
    const { runId, workspace, model } = await visibleRun(engine, request)
    const names = new Map([
      ['message', 'message'],
      ['prompt', 'message'],
    ])
    const { known } = readMembers(await readJson(request), names)
    const { message } = parseMembers(MessageBody, known)
    const id = await sessionOf(engine, runId)
    if (id === null) throw new HttpError(409, 'the run has no session yet, retry later')
    const waiting = await starter.inProgress(caller.tenant.name, workspace)
    if (waiting.length > limits.waitingMessages) {
      throw new HttpError(429, `${waiting.length} runs wait for this workspace already`, {
        headers: { 'retry-after': '10' },
      })
    }
    const run = await starter.start({
      caller,
      workspace,
      request: {
        prompt: message,
        session: { kind: 'resume', id },
        ...(model !== null && { model }),
      },
      surface: surfaces.json,
      wait: true,
    })
    request.runId = run.id
    if (waiting.length === 0) await begun(run, limits.startMilliseconds)
    else await run.acknowledge()
    return { runId: run.id, workspace, status: 'running', sessionId: id }
  })

  async function runOfWorkspace(request: FastifyRequest) {
    const words = queryOf(request, 'workspace') ?? undefined
    const caller = callerOf(request)
    const workspace = await findWorkspace(words, caller, workspacesFolder)
    // The oldest has the workspace; messages wait behind it.
    const [oldest] = await starter.inProgress(caller.tenant.name, workspace)
    return oldest
  }
}

/** Returns the run of `runId` in the query. One that the token may not know of does not exist. */
export async function visibleRun(engine: RunEngine, request: FastifyRequest): Promise<RunSummary> {
  const run = await engine.find(requiredQuery(request, 'runId'))
  if (!run || !maySee(callerOf(request), run.workspace)) throw runNotFound()
  request.runId = run.runId
  return run
}

async function sessionOf(engine: RunEngine, runId: string): Promise<string | null> {
  const result = await engine.result(runId)
  if (result) return result.sessionId
  for await (const event of engine.log(runId)) if (event.kind === 'started') return event.sessionId
  return null
}

function formatOf({ surface }: RunSummary): string {
  return surface === surfaces['json-verbose'] ? 'json-verbose' : 'json'
}

function runNotFound() {
  return new HttpError(404, 'run not found')
}
