import * as z from 'zod'

const words = z.string()
const waited = {
  seconds: z.number(),
  /** Status or reason of the last attempt, when the run ended between two attempts. */
  retry: z.string().nullable(),
  /** The model API sent nothing at all. */
  silent: z.boolean(),
}

/**
 * Why a run did not succeed, as a code with its data. `words` are Claude Code's or the API's own.
 * Each surface has one table from codes to its own hints and statuses.
 */
export const RunFailure = z.discriminatedUnion('code', [
  /** The model API answered with an error; `atGateway` when our own gateway did. */
  z.object({ code: z.literal('api-status'), status: z.number(), words, atGateway: z.boolean() }),
  z.object({ code: z.literal('api-unreachable'), words }),
  /** The run gave up on an API that did not answer, or only with `status`. */
  z.object({ code: z.literal('api-gave-up'), status: z.number().nullable(), words }),
  z.object({ code: z.literal('api-error'), words }),
  z.object({ code: z.literal('max-turns'), words }),
  z.object({ code: z.literal('max-budget'), words }),
  z.object({ code: z.literal('prompt-too-long'), words }),
  z.object({ code: z.literal('not-logged-in'), words }),
  z.object({ code: z.literal('unauthenticated'), words }),
  z.object({ code: z.literal('claude-failed'), words }),
  /** Claude Code's result does not say whether it is an error. */
  z.object({ code: z.literal('no-verdict') }),
  z.object({ code: z.literal('no-result') }),
  z.object({ code: z.literal('claude-ended'), words }),
  /** `problem` is null when the model gave no structured answer. */
  z.object({ code: z.literal('schema-mismatch'), problem: z.string().nullable() }),
  z.object({ code: z.literal('timed-out'), ...waited }),
  /** The worker did not end a run that had timed out. */
  z.object({ code: z.literal('worker-timeout'), ...waited }),
  z.object({ code: z.literal('cancelled') }),
  /** The run was to be cancelled, and the worker did not confirm that it stopped. */
  z.object({ code: z.literal('cancel-unconfirmed') }),
  /** The run was refused after its start had been acknowledged. */
  z.object({ code: z.literal('refused'), words }),
  z.object({ code: z.literal('connection-lost'), words }),
  z.object({ code: z.literal('worker-stopped') }),
  /** The process that watched the run died. */
  z.object({ code: z.literal('interrupted') }),
  /** A result that an earlier version stored. */
  z.object({ code: z.literal('earlier'), words, status: z.number().nullable() }),
])
export type RunFailure = z.infer<typeof RunFailure>

/** The failure in a stored result, also in the form of earlier versions: a message and a hint. */
export const StoredFailure = z.union([
  RunFailure,
  z.object({ message: z.string(), apiErrorStatus: z.number().nullable() }).transform(
    ({ message, apiErrorStatus }): RunFailure => ({
      code: 'earlier',
      words: message,
      status: apiErrorStatus,
    }),
  ),
])

/** Returns the HTTP status of the model API, if it caused the failure. */
export function apiStatusOf(failure: RunFailure): number | null {
  return 'status' in failure ? failure.status : null
}

/** The fields of Claude Code's result that determine success. The subtype of an error can be `success`. */
const Judged = z.object({
  is_error: z.boolean(),
  subtype: z.string().nullish(),
  result: z.string().nullish(),
  errors: z.array(z.string()).nullish(),
  api_error_status: z.number().nullish(),
  api_error: z.string().nullish(),
})

/** Returns why Claude Code's result is a failure; null for a success. */
export function failureOf(claude: Record<string, unknown>): RunFailure | null {
  const judged = Judged.safeParse(claude)
  if (!judged.success) return { code: 'no-verdict' }
  const { is_error, subtype, api_error_status: status, api_error } = judged.data
  if (!is_error) return null
  const words = judged.data.result || judged.data.errors?.join('; ') || subtype || 'it failed'
  if (subtype === 'error_max_turns') return { code: 'max-turns', words }
  if (subtype === 'error_max_budget_usd') return { code: 'max-budget', words }
  if (status) {
    // The gateway's own answers carry its name.
    return { code: 'api-status', status, words, atGateway: words.includes('claude-secure:') }
  }
  if (api_error === 'connection_failed') return { code: 'api-unreachable', words }
  if (/too long/i.test(words)) return { code: 'prompt-too-long', words }
  if (/not logged in/i.test(words)) {
    return { code: 'not-logged-in', words: words.replace(/ · .*/, '') }
  }
  if (/log ?in|authenticat|api key/i.test(words)) return { code: 'unauthenticated', words }
  if (/^API Error/i.test(words)) return { code: 'api-error', words }
  return { code: 'claude-failed', words }
}

/** Describes the failure, in words for every surface. */
export function describeFailure(failure: RunFailure): string {
  switch (failure.code) {
    case 'api-status':
      return `the model API answered ${failure.status}: ${failure.words}`
    case 'api-unreachable':
      return `the model API cannot be reached: ${failure.words}`
    case 'no-verdict':
      return 'the result of Claude Code does not say whether it is an error'
    case 'no-result':
      return 'Claude Code gave no result'
    case 'claude-ended':
      return `Claude Code ended without a result: ${failure.words}`
    case 'schema-mismatch':
      return failure.problem === null
        ? 'the model gave no answer in the form of the schema'
        : `the answer does not match the schema: ${failure.problem}`
    case 'timed-out':
      return describeTimeout(`the run did not end within ${failure.seconds} s`, failure)
    case 'worker-timeout':
      return describeTimeout(`the worker did not end the run within ${failure.seconds} s`, failure)
    case 'cancelled':
      return 'the run was cancelled'
    case 'cancel-unconfirmed':
      return 'a cancel was requested, but the worker did not confirm that the run stopped'
    case 'refused':
      return `the run was refused: ${failure.words}`
    case 'connection-lost':
      return `the connection to the worker was lost: ${failure.words}`
    case 'worker-stopped':
      return 'the worker was stopped during the run'
    case 'interrupted':
      return 'interrupted: the process that watched the run died, and the run with it'
    case 'api-gave-up':
    case 'api-error':
    case 'max-turns':
    case 'max-budget':
    case 'prompt-too-long':
    case 'not-logged-in':
    case 'unauthenticated':
    case 'claude-failed':
    case 'earlier':
      return failure.words
    default:
      return failure satisfies never
  }
}

function describeTimeout(
  text: string,
  { retry, silent }: { retry: string | null; silent: boolean },
) {
  if (retry !== null) return `${text}, because the model API did not answer (${retry})`
  return silent ? `${text}, and the model API sent no answer in that time` : text
}

/** The refusals of the runner. */
export const refusals = [
  'busy',
  'no-session',
  'workspace',
  'request',
  'capacity',
  'stopping',
  // The kernel cannot keep runs of several workspaces apart.
  'confinement',
] as const

/** The reason why a run was not started, or why a request about a run failed. */
export type RefusalCode =
  | (typeof refusals)[number]
  /** The worker does not answer, or does not accept our token. */
  | 'unreachable'
  /** The JSON Schema cannot be compiled. */
  | 'schema'
  /** No run has this id. */
  | 'unknown-run'
  /** The run has no open question. */
  | 'not-waiting'
  /** The answers do not fit the questions. */
  | 'answers'
  /** The idempotency key belongs to another request. */
  | 'key-reused'

export type RefusalData = {
  /** Id of the run that holds the workspace, if known. */
  holder?: string | null
  cause?: unknown
}

/** A request that the engine refuses. The model received nothing. */
export class RunRefusal extends Error {
  readonly code: RefusalCode
  readonly holder: string | null

  constructor(code: RefusalCode, message: string, { holder, cause }: RefusalData = {}) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'RunRefusal'
    this.code = code
    this.holder = holder ?? null
  }
}

export function workspaceBusy(holder: string | null): RunRefusal {
  const which = holder ? ` with run ${holder}` : ''
  return new RunRefusal('busy', `workspace busy${which}`, { holder })
}
