import { command } from '../../base/command.ts'
import { ApiError } from '../api-error.ts'
import type { Ledger } from './ledger.ts'

/**
 * Throws when the day's budget is used up; null means no budget. `inFlight` is the cost so far of
 * requests that have not ended, and `reserved` what they cost at most. Uses status 402, because Claude Code shows its message at once and does
 * not retry: it takes 403 for a bad login, retries 400 six times, and takes 429 and 503 for transient
 * errors.
 */
export function checkDayBudget(options: {
  budgetUsd: number | null
  ledger: Pick<Ledger, 'failure' | 'estimatedToday'>
  inFlight: () => number
  reserved: () => number
}): void {
  const { budgetUsd, ledger, inFlight, reserved } = options
  if (budgetUsd === null) return
  const failure = ledger.failure()
  if (failure !== null) {
    throw new ApiError(
      503,
      'api_error',
      `claude-secure: a budget is set, but the gateway cannot record usage (${failure}). On the host: check free space and the owner of the stack's usage folder, then run ${command('logs gateway')}.`,
    )
  }
  const today = ledger.estimatedToday()
  const used = today + inFlight()
  const atMost = today + reserved()
  if (Math.max(used, atMost) < budgetUsd) return
  // The requests in flight usually cost less than they may: the caller can try again when they end.
  if (used < budgetUsd) {
    throw new ApiError(
      429,
      'rate_limit_error',
      `claude-secure: the requests in flight may use up the budget of this day (UTC): $${used.toFixed(4)} of $${budgetUsd} are used, and $${(atMost - used).toFixed(4)} are reserved until those requests end. Wait for them; or, on the host: raise BUDGET_USD_PER_DAY in .env, then run ${command('stop')} and ${command('start')}.`,
      { retry: true },
    )
  }
  throw new ApiError(
    402,
    'billing_error',
    `claude-secure: the budget of this day (UTC) is used up: $${used.toFixed(4)} of $${budgetUsd}. On the host: run ${command('usage')} for details; to continue, raise BUDGET_USD_PER_DAY in .env, then run ${command('stop')} and ${command('start')}.`,
  )
}
