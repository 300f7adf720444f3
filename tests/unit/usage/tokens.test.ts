import t from 'tap'
import { addTokens, noTokens, Tokens } from '../../../src/usage/tokens.ts'

t.test('sums go field by field', async t => {
  const one = {
    input: 1,
    output: 2,
    cacheWrite5m: 3,
    cacheWrite1h: 4,
    cacheRead: 5,
    webSearches: 6,
  }
  t.strictSame(addTokens(noTokens, one), one)
  t.strictSame(addTokens(one, one), {
    input: 2,
    output: 4,
    cacheWrite5m: 6,
    cacheWrite1h: 8,
    cacheRead: 10,
    webSearches: 12,
  })
})

t.test('a count is a whole number that is not negative', async t => {
  for (const input of [-1, 0.5, Number.NaN, '1', null]) {
    t.notOk(Tokens.safeParse({ ...noTokens, input }).success, String(input))
  }
  t.ok(Tokens.safeParse(noTokens).success)
})
