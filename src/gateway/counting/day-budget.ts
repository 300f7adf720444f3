import { command } from '../../base/command.ts'
import type { Spent } from '../../usage/tally.ts'
import { ApiError } from '../api-error.ts'
import type { Ledger } from './ledger.ts'

/** What a caller may use of a day (UTC); null for no limit. */
export type DayBudget = {
  /** Null for a stack without tenants. */
  tenant: string | null
  usd: number | null
  /** Input, output, and what is written to the cache and read from it. */
  tokens: number | null
}

type Unit = keyof Spent

const units = [
  { unit: 'usd', budget: 'budget', text: (usd: number) => `$${usd.toFixed(4)}` },
  { unit: 'tokens', budget: 'token budget', text: (count: number) => `${count} tokens` },
] as const satisfies readonly { unit: Unit; budget: string; text: (amount: number) => string }[]

/**
 * Throws when the day's budget is used up. `inFlight` is what requests that have not ended have used so
 * far, and `reserved` what they use at most. Uses status 402, because Claude Code shows its message at
 * once and does not retry: it takes 403 for a bad login, retries 400 six times, and takes 429 and 503
 * for transient errors.
 */
export function checkDayBudget(options: {
  budget: DayBudget
  ledger: Pick<Ledger, 'failure' | 'today'>
  inFlight: () => Spent
  reserved: () => Spent
}): void {
  const { budget, ledger } = options
  if (budget.usd === null && budget.tokens === null) return
  const failure = ledger.failure()
  if (failure !== null) {
    throw new ApiError(
      503,
      'api_error',
      `claude-secure: a budget is set, but the gateway cannot record usage (${failure}). On the host: check free space and the owner of the stack's usage folder, then run ${command('logs gateway')}.`,
    )
  }
  const today = ledger.today()
  const inFlight = options.inFlight()
  const reserved = options.reserved()
  const limits = units.flatMap(form => {
    const limit = budget[form.unit]
    if (limit === null) return []
    const used = today[form.unit] + inFlight[form.unit]
    return [{ ...form, limit, used, atMost: today[form.unit] + reserved[form.unit] }]
  })
  const over = limits.find(({ used, limit }) => used >= limit)
  if (over) {
    const { used } = over
    throw new ApiError(
      402,
      'billing_error',
      `claude-secure: the ${over.budget} of this day (UTC)${owner(budget)} is used up: ${over.text(used)} of ${bound(over)}. On the host: run ${usage(budget)} for details; to continue, ${raise(budget, over.unit)}.`,
    )
  }
  // The requests in flight usually use less than they may: the caller can try again when they end.
  const full = limits.find(({ atMost, limit }) => atMost >= limit)
  if (!full) return
  const { used, atMost, text } = full
  throw new ApiError(
    429,
    'rate_limit_error',
    `claude-secure: the requests in flight may use up the ${full.budget} of this day (UTC)${owner(budget)}: ${text(used)} of ${bound(full)} are used, and ${text(atMost - used)} are reserved until those requests end. Wait for them; or, on the host: ${raise(budget, full.unit)}.`,
    { retry: true },
  )
}

function bound({ unit, limit }: { unit: Unit; limit: number }) {
  return unit === 'usd' ? `$${limit}` : `${limit}`
}

function owner({ tenant }: DayBudget) {
  return tenant === null ? '' : ` for the tenant ${tenant}`
}

function usage({ tenant }: DayBudget) {
  return command(tenant === null ? 'usage' : `usage --tenant ${tenant}`)
}

function raise({ tenant }: DayBudget, unit: Unit) {
  if (tenant !== null) {
    const name = unit === 'usd' ? 'usdPerDay' : 'tokensPerDay'
    return `raise ${name} of the tenant in tenants.yaml, then run ${command('serve up')}`
  }
  return `raise BUDGET_USD_PER_DAY in .env, then run ${command('stop')} and ${command('start')}`
}
