import t from 'tap'
import { createByteBudget } from '../../../src/server/byte-budget.ts'

t.test('a token takes its part, and leaves the rest to others', async t => {
  const budget = createByteBudget({ total: 10, each: 6 })
  t.equal(budget.take('a', 6), true)
  t.equal(budget.take('a', 1), false)
  t.equal(budget.take('b', 4), true)
  t.equal(budget.take('b', 1), false, 'all together are too many')
  budget.give('a', 5)
  t.equal(budget.take('b', 2), true)
  t.equal(budget.take('b', 1), false)
  t.equal(budget.take('a', 3), true)
  t.equal(budget.take('c', 1), false)
})
