import t from 'tap'
import { StoredToken } from '../../../src/config/tenants.ts'
import { createRunBudgets } from '../../../src/tenants/run-budget.ts'

const tokenWith = (budget: object, name = 'ci') =>
  StoredToken.parse({
    name,
    tenant: 'main',
    sha256: 'a'.repeat(64),
    createdAt: '2026-11-29T00:00:00Z',
    budget,
  })

t.test('a token without a budget runs as asked', async t => {
  const budgets = createRunBudgets(() => ({ usd: 1e6, tokens: 1e9 }))
  t.match(await budgets.take(tokenWith({}), undefined), { maxBudgetUsd: undefined })
  t.match(await budgets.take(tokenWith({}), 3), { maxBudgetUsd: 3 })
})

t.test('runs at once share what is left of a day, and give it back', async t => {
  const budgets = createRunBudgets(async () => ({ usd: 4, tokens: 0 }))
  const token = tokenWith({ usdPerDay: 10 })
  const one = await budgets.take(token, 2)
  t.equal(one.maxBudgetUsd, 2)
  const rest = await budgets.take(token, undefined)
  t.equal(rest.maxBudgetUsd, 4)
  await t.rejects(budgets.take(token, 0.01), { status: 429, message: /with maxBudgetUsd/ })
  t.match(await budgets.take(tokenWith({ usdPerDay: 10 }, 'other'), 1), { maxBudgetUsd: 1 })
  one.release()
  one.release()
  t.equal((await budgets.take(token, 50)).maxBudgetUsd, 2, 'at most what is left, and once')
})

t.test('a budget that is used up refuses with what was used', async t => {
  const spent = { usd: 10, tokens: 5 }
  const budgets = createRunBudgets(() => spent)
  await t.rejects(budgets.take(tokenWith({ usdPerDay: 10 }), 1), {
    status: 402,
    message: 'the budget of token ci for this day (UTC) is used up: $10.0000 of $10',
  })
  await t.rejects(budgets.take(tokenWith({ tokensPerDay: 5 }), 1), {
    status: 402,
    message: /5 of 5 tokens/,
  })
  spent.tokens = 4
  t.match(await budgets.take(tokenWith({ tokensPerDay: 5 }), 1), { maxBudgetUsd: 1 })
})
