import t from 'tap'
import { ApiError } from '../../../../src/gateway/api-error.ts'
import { checkDayBudget, type DayBudget } from '../../../../src/gateway/counting/day-budget.ts'

type Used = { today?: number; inFlight?: number; reserved?: number; failure?: string }

function refusal(usd: number | null, used: Used = {}) {
  return refusalOf({ tenant: null, usd, tokens: null }, used)
}

/** The same amounts in dollars and in tokens. */
function refusalOf(budget: DayBudget, options: Used = {}) {
  const both = (amount: number) => ({ usd: amount, tokens: amount })
  try {
    checkDayBudget({
      budget,
      ledger: { today: () => both(options.today ?? 0), failure: () => options.failure ?? null },
      inFlight: () => both(options.inFlight ?? 0),
      reserved: () => both(options.reserved ?? options.inFlight ?? 0),
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

t.test('tokens have a budget of their own', async t => {
  const tokens = { tenant: null, usd: null, tokens: 1_000 }
  t.equal(refusalOf(tokens, { today: 999 }), null)
  t.match(refusalOf(tokens, { today: 900, inFlight: 100 }), {
    status: 402,
    message: /token budget of this day \(UTC\) is used up: 1000 tokens of 1000\./,
  })
  t.match(refusalOf(tokens, { today: 900, inFlight: 0, reserved: 100 }), {
    status: 429,
    message: /900 tokens of 1000 are used, and 100 tokens are reserved/,
  })
  t.match(refusalOf(tokens, { failure: 'ENOSPC' }), { status: 503 })
  const both = { tenant: null, usd: 500, tokens: 1_000 }
  t.match(refusalOf(both, { today: 600 }), { message: /budget.*\$600\.0000 of \$500/ })
  t.match(refusalOf({ ...both, usd: 2_000 }, { today: 1_500 }), { message: /1500 tokens of 1000/ })
})

t.test("a tenant's refusal names the tenant and where its budget is", async t => {
  const refused = refusalOf({ tenant: 'blue', usd: null, tokens: 10 }, { today: 10 })
  t.match(
    refused?.message,
    /for the tenant blue.*raise tokensPerDay of the tenant in tenants\.yaml/,
  )
  t.notMatch(refused?.message, /\.env/)
})
