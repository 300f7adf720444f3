import { ApiError } from '../http/api-error.ts'
import type { Ledger } from './ledger.ts'

/**
 * Throws when the day's budget is used up; null is none. `inFlight` is what answers that are not over
 * yet come to so far. 402, because Claude Code shows its message at once and does not ask again; 403
 * it takes for a bad login, 400 it asks six times, and 429 and 503 it takes for something that passes.
 */
export function checkDayBudget(options: {
  budgetUsd: number | null
  ledger: Pick<Ledger, 'failure' | 'estimatedToday'>
  inFlight: () => number
}): void {
  const { budgetUsd, ledger, inFlight } = options
  if (budgetUsd === null) return
  const failure = ledger.failure()
  if (failure !== null) {
    throw new ApiError(
      503,
      'api_error',
      `claude-secure: a budget is set, and what is used cannot be written down (${failure}). On the host: check the free space and the owner of the stack's folder usage, then ./claude.ts logs gateway.`,
    )
  }
  const used = ledger.estimatedToday() + inFlight()
  if (used < budgetUsd) return
  throw new ApiError(
    402,
    'billing_error',
    `claude-secure: the budget of this day (UTC) is used up: $${used.toFixed(4)} of $${budgetUsd}. On the host: ./claude.ts usage shows it; raise BUDGET_USD_PER_DAY in .env, then ./claude.ts stop and start.`,
  )
}
