import { interactive } from '../usage/entry.ts'
import { ApiError } from './api-error.ts'
import type { Ledger } from './ledger.ts'

/** In dollars; null for none. */
export interface Budgets {
  perDay: number | null
  perRun: number | null
}

/**
 * Throws when a budget is used up. `inFlight` is what answers that are not over yet come to so far,
 * of all meters or of one. 402, because Claude Code shows its message at once and does not ask again;
 * 403 it takes for a bad login, and 429 and 503 for something that will pass.
 */
export function checkBudgets(options: {
  budgets: Budgets
  ledger: Ledger
  meter: string
  inFlight: (meter?: string) => number
}): void {
  const { budgets, ledger, meter, inFlight } = options
  const { perDay, perRun } = budgets
  if (perDay === null && perRun === null) return
  const failure = ledger.failure()
  if (failure !== null) {
    throw new ApiError(
      503,
      'api_error',
      `claude-secure: a budget is set, and what is used cannot be written down (${failure}). On the host: check the free space and the owner of the stack's folder usage, then ./claude.ts logs gateway.`,
    )
  }
  if (perDay !== null) {
    const used = ledger.reckonedToday() + inFlight()
    if (used >= perDay) throw usedUp('of this day (UTC)', 'BUDGET_USD_PER_DAY', used, perDay)
  }
  if (perRun !== null && meter !== interactive) {
    const used = ledger.reckonedOf(meter) + inFlight(meter)
    if (used >= perRun) throw usedUp('of this run', 'BUDGET_USD_PER_RUN', used, perRun)
  }
}

function usedUp(which: string, setting: string, used: number, budget: number) {
  return new ApiError(
    402,
    'billing_error',
    `claude-secure: the budget ${which} is used up: $${used.toFixed(4)} of $${budget}. On the host: ./claude.ts usage shows it; raise ${setting} in .env and run ./claude.ts start.`,
  )
}
