import t from 'tap'
import { ApiError } from '../../../../src/gateway/api-error.ts'
import { checkDayBudget } from '../../../../src/gateway/counting/day-budget.ts'

function refusal(
  budgetUsd: number | null,
  options: { today?: number; inFlight?: number; reserved?: number; failure?: string } = {},
) {
  try {
    checkDayBudget({
      budgetUsd,
      ledger: {
        estimatedToday: () => options.today ?? 0,
        failure: () => options.failure ?? null,
      },
      inFlight: () => options.inFlight ?? 0,
      reserved: () => options.reserved ?? options.inFlight ?? 0,
    })
    return null
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

t.test('without a budget no request is refused', async t => {
  t.equal(refusal(null, { today: 1e9, inFlight: 1e9 }), null)
  t.equal(refusal(null, { failure: 'ENOSPC' }), null)
})

t.test('a refusal names the budget, the used amount and how to raise it', async t => {
  t.equal(refusal(5, { today: 4.99 }), null)
  const error = refusal(5, { today: 5.125 })
  t.match(error, { status: 402, type: 'billing_error', retry: false })
  t.match(error?.message, /of this day \(UTC\).*\$5\.1250 of \$5\..*BUDGET_USD_PER_DAY in \.env/)
})

t.test('an answer in progress counts', async t => {
  t.match(refusal(5, { today: 4, inFlight: 1 }), { status: 402 })
})

t.test('a budget of 0 refuses every request', async t => {
  t.match(refusal(0), { status: 402 })
})

t.test('a budget refuses requests while usage cannot be recorded', async t => {
  t.match(refusal(5, { failure: 'ENOSPC' }), { status: 503, message: /ENOSPC/ })
})

t.test('what is only reserved may become free: the refusal is for a retry', async t => {
  const error = refusal(5, { today: 1, inFlight: 1, reserved: 4 })
  t.match(error, { status: 429, type: 'rate_limit_error', retry: true })
  t.match(error?.message, /\$2\.0000 of \$5 are used, and \$3\.0000 are reserved/)
  t.equal(refusal(5, { today: 1, inFlight: 1, reserved: 3.9 }), null)
})
