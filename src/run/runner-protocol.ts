import * as z from 'zod'
import { ToolResult } from './client-tools.ts'
import { refusals } from './failure.ts'
import { RunId } from './ids.ts'
import { Answers, defaultQuestionSeconds, QuestionId, Questions } from './question.ts'
import { RunRequest } from './request.ts'

/**
 * The request to the runner in the worker: the first JSON line on its stdin, or the body of POST /run.
 * The run is cancelled when the stream that brought the request closes before the run has ended.
 */
export const RunnerRequest = z.strictObject({
  version: z.literal(1),
  runId: RunId,
  /** Absolute path in the worker: /workspace, or /workspaces and a folder below it. */
  workspace: z.string().regex(/^\/[^\0]*$/),
  request: RunRequest,
  /** Whether anyone can answer questions. Without it the model is not offered AskUserQuestion. */
  asks: z.boolean().default(false),
  /** Maximum seconds that a question waits for its answer, within the run's timeout. */
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
  ToolResult.extend({ kind: z.literal('tool-result') }),
  z.strictObject({ kind: z.literal('cancel') }),
])
export type RunnerInput = z.infer<typeof RunnerInput>

export const questionOutcomes = ['answered', 'unanswered'] as const

/** One message of Claude Code's stream-json output, unchanged. */
export const ClaudeMessage = z.looseObject({ type: z.string() })
export type ClaudeMessage = z.infer<typeof ClaudeMessage>

/** An event from the runner, one JSON object per line. The last is `ended` or `refused`. */
export const RunnerEvent = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('started'),
    sessionId: z.string(),
    /** Whether a warm process serves the run. */
    warm: z.boolean(),
    /** The name under which the gateway counts its requests: the run's own, or that of its process. */
    meter: z.string(),
  }),
  z.object({ kind: z.literal('claude'), message: ClaudeMessage }),
  /** A notice for the user: a malformed line, text on stderr, a truncated line. */
  z.object({ kind: z.literal('notice'), text: z.string() }),
  /** The model asks a question and waits. At most one is open at a time. */
  z.object({
    kind: z.literal('question'),
    id: QuestionId,
    questions: Questions,
    /** Seconds until the runner itself closes the question without an answer. */
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
    /** Exit code of the process; null after a signal, or when the process stays for the session's next run. */
    exitCode: z.number().nullable(),
    signal: z.string().nullable(),
    error: z.string().optional(),
    /** Number of leftover processes of the run that were killed. */
    swept: z.number(),
  }),
  z.object({ kind: z.literal('refused'), reason: z.enum(refusals), message: z.string() }),
])
export type RunnerEvent = z.infer<typeof RunnerEvent>
