import t from 'tap'
import { checkDayBudget } from '../../../../src/gateway/counting/day-budget.ts'
import { ApiError } from '../../../../src/gateway/http/api-error.ts'

function refusal(
  budgetUsd: number | null,
  options: { today?: number; inFlight?: number; failure?: string } = {},
) {
  try {
    checkDayBudget({
      budgetUsd,
      ledger: {
        estimatedToday: () => options.today ?? 0,
        failure: () => options.failure ?? null,
      },
      inFlight: () => options.inFlight ?? 0,
    })
    return null
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

t.test('without a budget nothing is refused', async t => {
  t.equal(refusal(null, { today: 1e9, inFlight: 1e9 }), null)
  t.equal(refusal(null, { failure: 'ENOSPC' }), null)
})

t.test('which budget, how much of it, and how to raise it', async t => {
  t.equal(refusal(5, { today: 4.99 }), null)
  const error = refusal(5, { today: 5.125 })
  t.match(error, { status: 402, type: 'billing_error', retry: false })
  t.match(error?.message, /of this day \(UTC\).*\$5\.1250 of \$5\..*BUDGET_USD_PER_DAY in \.env/)
})

t.test('what is being answered counts', async t => {
  t.match(refusal(5, { today: 4, inFlight: 1 }), { status: 402 })
})

t.test('a budget of nothing lets nothing through', async t => {
  t.match(refusal(0), { status: 402 })
})

t.test('what cannot be written down cannot be held to a budget', async t => {
  t.match(refusal(5, { failure: 'ENOSPC' }), { status: 503, message: /ENOSPC/ })
})
