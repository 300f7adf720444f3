import * as z from 'zod'
import { Answers, defaultQuestionSeconds, QuestionId, Questions } from './question.ts'
import { refusals } from './refusal.ts'
import { RunId, RunRequest } from './request.ts'

/**
 * The request to the runner in the worker: the first JSON line on its stdin, or the body of POST /run.
 * The run is cancelled when the stream that brought the request closes before the run has ended.
 */
export const RunnerRequest = z.strictObject({
  version: z.literal(1),
  runId: RunId,
  /** Absolute path in the worker: /workspace, or /workspaces/NAME. */
  workspace: z.string().regex(/^\/[^\0]*$/),
  request: RunRequest,
  /** Whether anyone can answer questions. Without it the model is not offered AskUserQuestion. */
  asks: z.boolean().default(false),
  /** Longest that a question waits for its answer, within the time of the run. */
  questionSeconds: z.number().int().min(1).max(86_400).default(defaultQuestionSeconds),
})
export type RunnerRequest = z.infer<typeof RunnerRequest>

/** A JSON line that may follow the request on the same stream. */
export const RunnerInput = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('answer'),
    id: QuestionId,
    /** Null when there is no answer; the model is told so. */
    answers: Answers.nullable(),
  }),
  z.strictObject({ kind: z.literal('cancel') }),
])
export type RunnerInput = z.infer<typeof RunnerInput>

export const questionOutcomes = ['answered', 'unanswered'] as const

/** One message of Claude Code's stream-json output, as it came. */
export const ClaudeMessage = z.looseObject({ type: z.string() })
export type ClaudeMessage = z.infer<typeof ClaudeMessage>

/** What comes back, one JSON object a line. The last is `ended` or `refused`. */
export const RunnerEvent = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('started'),
    sessionId: z.string(),
    /** Whether a process that had been started before took it. */
    warm: z.boolean(),
    /** Under which name the gateway counts its requests: the run's own, or that of its process. */
    meter: z.string(),
  }),
  z.object({ kind: z.literal('claude'), message: ClaudeMessage }),
  /** Something a person may want to know: a malformed line, words on stderr, a line that was cut. */
  z.object({ kind: z.literal('notice'), text: z.string() }),
  /** The model asks, and waits. At most one question is open at a time. */
  z.object({
    kind: z.literal('question'),
    id: QuestionId,
    questions: Questions,
    /** After which the runner itself gives no answer. */
    deadlineSeconds: z.number().min(0).optional(),
  }),
  z.object({
    kind: z.literal('question-closed'),
    id: QuestionId,
    outcome: z.enum(questionOutcomes),
  }),
  z.object({
    kind: z.literal('ended'),
    /** `completed`: Claude Code gave its result, good or bad. `failed`: it ended without one. */
    outcome: z.enum(['completed', 'cancelled', 'timed-out', 'failed']),
    /** Of the process; null while it lives on for the session's next run, or after a signal. */
    exitCode: z.number().nullable(),
    signal: z.string().nullable(),
    error: z.string().optional(),
    /** Processes that the run had left behind and that were ended. */
    swept: z.number(),
  }),
  z.object({ kind: z.literal('refused'), reason: z.enum(refusals), message: z.string() }),
])
export type RunnerEvent = z.infer<typeof RunnerEvent>
