import * as z from 'zod'
import { RunId, RunRequest } from './request.ts'

/**
 * What goes to the runner in the worker: one JSON line on its stdin, or the body of POST /run. The
 * run is cancelled when the stream that brought the request closes before the run has ended.
 */
export const RunnerRequest = z.strictObject({
  version: z.literal(1),
  runId: RunId,
  /** Absolute path in the worker: /workspace, or /workspaces/NAME. */
  workspace: z.string().regex(/^\/[^\0]*$/),
  request: RunRequest,
})
export type RunnerRequest = z.infer<typeof RunnerRequest>

/** One message of Claude Code's stream-json output, as it came. */
export const ClaudeMessage = z.looseObject({ type: z.string() })
export type ClaudeMessage = z.infer<typeof ClaudeMessage>

export const refusals = [
  'busy',
  'no-session',
  'workspace',
  'request',
  'capacity',
  'stopping',
] as const

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
