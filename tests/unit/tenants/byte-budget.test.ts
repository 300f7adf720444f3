import t from 'tap'
import { createByteBudget } from '../../../src/tenants/byte-budget.ts'

t.test('a token takes its part, and leaves the rest to others', async t => {
  const budget = createByteBudget({ total: 10, each: 6, tenants: () => 1 })
  const a = { token: 'a', tenant: 'main' }
  const b = { token: 'b', tenant: 'main' }
  const c = { token: 'c', tenant: 'main' }
  t.equal(budget.take(a, 6), true)
  t.equal(budget.take(a, 1), false)
  t.equal(budget.take(b, 4), true)
  t.equal(budget.take(b, 1), false, 'all together are too many')
  budget.give(a, 5)
  t.equal(budget.take(b, 2), true)
  t.equal(budget.take(b, 1), false)
  t.equal(budget.take(a, 3), true)
  t.equal(budget.take(c, 1), false)
})

t.test('two tokens of one tenant leave the part of each other tenant', async t => {
  const budget = createByteBudget({ total: 12, each: 6, tenants: () => 3 })
  const [one, two] = [
    { token: 'one', tenant: 'a' },
    { token: 'two', tenant: 'a' },
  ]
  const [b, c] = [
    { token: 'b', tenant: 'b' },
    { token: 'c', tenant: 'c' },
  ]
  t.equal(budget.take(one, 6), true)
  t.equal(budget.take(two, 3), false, '2 are kept for each of the other two')
  t.equal(budget.take(two, 2), true)
  t.equal(budget.take(b, 3), false, 'the half for all is used up')
  t.equal(budget.take(b, 2), true)
  t.equal(budget.take(c, 2), true)
  t.equal(budget.take(c, 1), false)
  budget.give(two, 2)
  t.equal(budget.take(c, 2), true)
  t.equal(budget.take(two, 1), false)
})

t.test('bytes that were given back are free for every tenant', async t => {
  const budget = createByteBudget({ total: 12, each: 12, tenants: () => 2 })
  for (const tenant of ['a', 'b', 'a', 'b']) {
    const holder = { token: tenant, tenant }
    t.equal(budget.take(holder, 9), true)
    t.equal(budget.take(holder, 1), false)
    budget.give(holder, 9)
  }
})
