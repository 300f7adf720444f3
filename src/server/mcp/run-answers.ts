import { randomBytes } from 'node:crypto'
import {
  createRequestStateCodec,
  inputRequired,
  inputResponse,
  type McpServer,
} from '@modelcontextprotocol/server'
import { defaultQuestionSeconds } from '../../run/question.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { maySee } from '../../tenants/workspace.ts'
import type { Call, ToolAnswer } from './call.ts'
import { exchangeOf } from './exchange.ts'
import { createProgress } from './progress.ts'
import { answersOf, formKey, questionForm } from './question-form.ts'
import { runResult } from './run-output.ts'
import { waitForRun } from './run-wait.ts'

/** The question that a client asks its user, as it travels with the client. */
type Asked = { runId: string; questionId: string }

/**
 * Signs which question a client was given, for the token that asked. A restart of the server ends all
 * questions, so the key is of this process.
 */
export function createAskedCodec() {
  return createRequestStateCodec<Asked>({
    key: randomBytes(32),
    ttlSeconds: defaultQuestionSeconds,
    bind: ctx => {
      const { token, tenant } = exchangeOf(ctx.http?.req).caller
      return `${tenant.name}/${token.name}`
    },
  })
}
export type AskedCodec = ReturnType<typeof createAskedCodec>

/** A run, and the question of it that has its answer. */
export type AnsweredRun = { runId: string; answered: string }

/** Returns the run of a call that comes back with its user's answers, after it gave them to the run. */
export async function answeredRun(call: Call): Promise<AnsweredRun | null> {
  const { ctx, engine } = call
  const asked = ctx.mcpReq.requestState<Asked>()
  if (!asked) return null
  const run = await visibleRun(call, asked.runId)
  const { question } = run
  const known = { runId: run.runId, answered: asked.questionId }
  // It may have timed out meanwhile, and another be open.
  if (question?.id !== asked.questionId) return known
  const response = inputResponse(ctx.mcpReq.inputResponses, formKey)
  const isAccepted = response.kind === 'elicit' && response.action === 'accept'
  const answers = isAccepted ? answersOf(question, response.content ?? {}) : null
  await engine.answer(run.runId, answers, asked.questionId)
  return known
}

/** Waits for a run, and answers with its result, its state, or its question for the client's user. */
export async function settle(
  call: Call,
  { runId, answered }: Partial<AnsweredRun> & { runId: string },
  { seconds, server, codec }: { seconds: number; server: McpServer; codec: AskedCodec },
): Promise<ToolAnswer> {
  const outcome = await waitForRun(call.engine, runId, {
    seconds,
    signal: call.over,
    progress: createProgress(call.ctx),
    answered,
  })
  if (outcome.kind !== 'waiting' || !offersForms(server)) return runResult(outcome)
  const { question } = outcome
  return inputRequired({
    inputRequests: { [formKey]: questionForm(question) },
    requestState: await codec.mint({ runId, questionId: question.id }, call.ctx),
  })
}

/** Returns a run. One that the token may not know of does not exist. */
export async function visibleRun({ engine, exchange }: Call, runId: string) {
  const run = await engine.find(runId)
  if (!run || !maySee(exchange.caller, run.workspace)) throw new HttpError(404, 'run not found')
  exchange.noteRun(run.runId)
  return run
}

/** Returns whether the client can ask its user; before modes existed, an empty capability meant forms. */
function offersForms(server: McpServer): boolean {
  const offered = server.server.getClientCapabilities()?.elicitation
  if (!offered) return false
  return offered.form !== undefined || offered.url === undefined
}
