import * as z from 'zod'
import type { RunResult } from './result.ts'

export type RunFailure = NonNullable<RunResult['error']>

/** What of Claude Code's result says whether it is one. `success` is no proof: `is_error` is. */
const Judged = z.object({
  is_error: z.boolean(),
  subtype: z.string().nullish(),
  result: z.string().nullish(),
  errors: z.array(z.string()).nullish(),
  api_error_status: z.number().nullish(),
  api_error: z.string().nullish(),
})

export const connectionHint =
  './claude.ts status and ./claude.ts doctor show whether the stack reaches it'

/** Why Claude Code's result is a failure and what to do; null when it is none. */
export function failureOf(claude: Record<string, unknown>): RunFailure | null {
  const judged = Judged.safeParse(claude)
  if (!judged.success) {
    return {
      message: 'Claude Code gave a result without a verdict',
      hint: 'run it again; ./claude.ts run logs shows what it did',
      apiErrorStatus: null,
    }
  }
  const { is_error, subtype, api_error_status: status, api_error } = judged.data
  if (!is_error) return null
  const words = judged.data.result || judged.data.errors?.join('; ') || subtype || 'it failed'
  const failure = (message: string, hint: string) => ({
    message,
    hint,
    apiErrorStatus: status ?? null,
  })
  if (subtype === 'error_max_turns') {
    return failure(words, 'allow more with --max-turns, or go on with another run')
  }
  if (subtype === 'error_max_budget_usd') {
    return failure(words, 'allow more with --max-budget-usd')
  }
  if (status) {
    // The gateway's own answers say what is wrong with the way to the API.
    const hint = words.includes('claude-secure:') ? connectionHint : hintFor(status)
    return failure(`the model API answered ${status}: ${words}`, hint)
  }
  if (api_error === 'connection_failed') {
    return failure(`the model API cannot be reached: ${words}`, connectionHint)
  }
  if (/too long/i.test(words)) return failure(words, hintFor(413))
  if (/not logged in/i.test(words)) {
    return failure(
      words.replace(/ · .*/, ''),
      'put a key or token into .env, or log in for runs: ./claude.ts login --runs',
    )
  }
  if (/log ?in|authenticat|api key/i.test(words)) return failure(words, hintFor(401))
  if (/^API Error/i.test(words)) return failure(words, connectionHint)
  return failure(words, 'run it again; ./claude.ts run logs shows what it did')
}

/** A run that was ended because the model API did not answer, or only with `status`. */
export function gaveUp(message: string, status: number | null): RunFailure {
  return {
    message,
    hint: status === null ? connectionHint : hintFor(status),
    apiErrorStatus: status,
  }
}

function hintFor(status: number): string {
  switch (status) {
    case 400:
      return 'it does not take this request: check --model, --effort and the length of the prompt'
    case 401:
    case 403:
      return 'check ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in .env; ./claude.ts doctor does too'
    case 402:
      return 'the account or the budget has nothing left: ./claude.ts usage shows what was spent'
    case 404:
      return 'name a model that the account has: --model opus, sonnet, haiku or a full name'
    case 413:
      return 'shorten the prompt, or begin anew with --no-continue'
    case 429:
      return 'wait a minute, then run it again; the limit is that of the account, or a budget'
    default:
      return status >= 500
        ? 'it is overloaded or broken for a moment: run it again later'
        : 'run it again; ./claude.ts run logs shows what it did'
  }
}
