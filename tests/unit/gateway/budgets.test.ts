import t from 'tap'
import { ApiError } from '../../../src/gateway/api-error.ts'
import { checkBudgets } from '../../../src/gateway/budgets.ts'

const run = '0123456789abcdef'

function refusal(options: {
  perDay?: number
  perRun?: number
  today?: number
  ofRun?: number
  inFlight?: number
  meter?: string
  failure?: string
}) {
  const { perDay = null, perRun = null, today = 0, ofRun = 0, inFlight = 0 } = options
  try {
    checkBudgets({
      budgets: { perDay, perRun },
      ledger: {
        add: () => {},
        reckonedToday: () => today,
        reckonedOf: () => ofRun,
        failure: () => options.failure ?? null,
        flush: async () => {},
        close: async () => {},
      },
      meter: options.meter ?? run,
      inFlight: () => inFlight,
    })
    return null
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

t.test('without a budget nothing is refused', async t => {
  t.equal(refusal({ today: 1e9, ofRun: 1e9 }), null)
  t.equal(refusal({ failure: 'ENOSPC' }), null)
})

t.test('the budget of the day: which, how much of it, and how to raise it', async t => {
  t.equal(refusal({ perDay: 5, today: 4.99 }), null)
  const error = refusal({ perDay: 5, today: 5.125 })
  t.match(error, { status: 402, type: 'billing_error', retry: false })
  t.match(error?.message, /of this day \(UTC\).*\$5\.1250 of \$5\..*BUDGET_USD_PER_DAY in \.env/)
})

t.test('what is being answered counts', async t => {
  t.match(refusal({ perDay: 5, today: 4, inFlight: 1 }), { status: 402 })
})

t.test('the budget of a run is for runs', async t => {
  t.match(refusal({ perRun: 1, ofRun: 1 })?.message, /BUDGET_USD_PER_RUN/)
  t.equal(refusal({ perRun: 1, ofRun: 0.5 }), null)
  t.equal(refusal({ perRun: 1, ofRun: 9, meter: 'interactive' }), null)
})

t.test('a budget of nothing lets nothing through', async t => {
  t.match(refusal({ perDay: 0 }), { status: 402 })
})

t.test('what cannot be written down cannot be held to a budget', async t => {
  t.match(refusal({ perDay: 5, failure: 'ENOSPC' }), { status: 503, message: /ENOSPC/ })
  t.match(refusal({ perRun: 5, failure: 'ENOSPC' }), { status: 503 })
})
