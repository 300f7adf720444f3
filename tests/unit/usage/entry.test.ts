import t from 'tap'
import { addEntries, addTokens, noTokens, Tokens, UsageEntry } from '../../../src/usage/entry.ts'
import { entry } from '../../support/usage/entries.ts'

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

t.test('entries of one meter and model add up', async t => {
  const sum = addEntries(
    entry({ requests: 1, input: 10, costUsd: 0.5, estimatedUsd: 0.75, unpriced: 1 }),
    entry({ requests: 2, output: 5, costUsd: 0.25, estimatedUsd: 0.25, broken: 1 }),
  )
  t.match(sum, { requests: 3, input: 10, output: 5, costUsd: 0.75, estimatedUsd: 1 })
  t.match(sum, { unpriced: 1, broken: 1, errors: 0, uncounted: 0 })
})

t.test('rejects entries that the gateway did not write', async t => {
  t.ok(UsageEntry.safeParse({ ...entry(), at: 'more' }).success)
  for (const strange of [
    { meter: '../../etc' },
    { meter: '\u001b[2J' },
    { model: 'a b' },
    { model: '' },
    { requests: -1 },
    { costUsd: -1 },
    { estimatedUsd: '1' },
    { input: Number.MAX_VALUE },
  ]) {
    t.notOk(UsageEntry.safeParse({ ...entry(), ...strange }).success, JSON.stringify(strange))
  }
})

t.test('a line of an older version counts the tokens that it reports', async t => {
  const { estimatedTokens: _, ...old } = entry({
    input: 1,
    output: 2,
    cacheWrite5m: 3,
    cacheRead: 5,
  })
  t.match(UsageEntry.parse(old), { estimatedTokens: 11 })
  t.match(UsageEntry.parse({ ...old, estimatedTokens: 100 }), { estimatedTokens: 100 })
})

t.test('names of sessions and agents have a form', async t => {
  const named = {
    session: '0b6f3f0e-1111-4222-8333-444455556666',
    agent: 'a1b2',
    parentAgent: 'x%20y',
  }
  t.match(UsageEntry.parse(entry(named)), named)
  for (const agent of ['', 'a b', '\u001b[2J', 'a/b', 'x'.repeat(65), '\u202e']) {
    t.notOk(UsageEntry.safeParse({ ...entry(), agent }).success, JSON.stringify(agent))
  }
})
