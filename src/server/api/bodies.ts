import * as z from 'zod'
import { Answers } from '../../run/question.ts'
import { Prompt } from '../../run/request.ts'
import { apiStates } from './run-answer.ts'

/** The body of POST /run/answer. */
export const AnswerBody = z.strictObject({
  answers: Answers.nullable().describe('The choice for each question; null for no answer.'),
})

/** The body of POST /run/message. */
export const MessageBody = z.strictObject({
  message: Prompt.describe("The next turn of the run's session."),
})

const RunId = z.string().describe('16 hexadecimal digits.')
const place = { runId: RunId, workspace: z.string().describe('Absolute path.') }

/** The answers, for the OpenAPI document. */
export const answers = {
  run: z.looseObject({
    ...place,
    type: z.literal('result').optional(),
    subtype: z.string().optional(),
    isError: z.boolean(),
    result: z.string().optional(),
    structuredOutput: z.unknown().optional(),
    sessionId: z.string().nullable(),
    totalCostUsd: z.number(),
    permissionDenials: z.array(z.unknown()),
    status: z.enum(apiStates).optional().describe('Only without a result of Claude Code.'),
    error: z.string().optional(),
  }),
  started: z.object({ ...place, status: z.enum(apiStates) }),
  done: z.object({ status: z.literal('ok'), runId: RunId.optional(), workspace: z.string() }),
  health: z.object({ status: z.literal('ok') }),
  status: z.object({
    busyWorkspaces: z.array(z.string()),
    runs: z.array(
      z.object({
        ...place,
        status: z.enum(apiStates),
        startedAt: z.string(),
        endedAt: z.string().nullable(),
        token: z.string().nullable(),
      }),
    ),
  }),
  usage: z.looseObject({ tenant: z.string() }),
  error: z.object({
    detail: z.union([
      z.string(),
      z.array(
        z.object({
          type: z.string(),
          loc: z.array(z.union([z.string(), z.number()])),
          msg: z.string(),
          input: z.unknown(),
        }),
      ),
    ]),
  }),
}
