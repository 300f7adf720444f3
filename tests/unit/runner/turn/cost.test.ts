import t from 'tap'
import { noTotals, ownTotals } from '../../../../src/runner/turn/cost.ts'

const usage = (inputTokens: number, costUSD: number) => ({
  inputTokens,
  costUSD,
  contextWindow: 1_000_000,
  maxOutputTokens: 128_000,
  canonicalModel: 'm',
})

t.test('a first run has the totals of its process', async t => {
  const result = { total_cost_usd: 0.2, duration_api_ms: 7, modelUsage: { a: usage(5, 0.2) } }
  const { own, totals } = ownTotals({ ...result, other: 1 }, noTotals)
  t.strictSame(own, { ...result, other: 1 })
  t.strictSame(totals, result)
})

t.test('a later run has the difference, and names only the models it used', async t => {
  const before = {
    total_cost_usd: 0.1,
    duration_api_ms: 50,
    modelUsage: { a: usage(5, 0.1), b: usage(1, 0) },
  }
  const now = {
    total_cost_usd: 0.3,
    duration_api_ms: 80,
    modelUsage: { a: usage(5, 0.1), b: usage(4, 0), c: usage(9, 0.2) },
  }
  t.strictSame(ownTotals(now, before).own, {
    total_cost_usd: 0.2,
    duration_api_ms: 30,
    modelUsage: { b: usage(3, 0), c: usage(9, 0.2) },
  })
})

t.test('shrinking or missing totals cost nothing', async t => {
  t.strictSame(ownTotals({ total_cost_usd: 0.1 }, { ...noTotals, total_cost_usd: 0.2 }).own, {
    total_cost_usd: 0,
  })
  t.strictSame(ownTotals({ type: 'result' }, noTotals).own, { type: 'result' })
})
