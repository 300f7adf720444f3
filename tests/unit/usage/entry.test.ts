import t from 'tap'
import {
  addEntries,
  addTokens,
  createTally,
  noTokens,
  Tokens,
  UsageEntry,
} from '../../../src/usage/entry.ts'
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

t.test('sums by meter and model', async t => {
  const tally = createTally()
  tally.add(entry({ input: 1, estimatedUsd: 1 }))
  tally.add(entry({ input: 2, estimatedUsd: 2 }))
  tally.add(entry({ meter: 'aaaaaaaaaaaaaaaa', estimatedUsd: 4 }))
  tally.add(entry({ meter: 'aaaaaaaaaaaaaaaa', model: 'claude-haiku-5-5', estimatedUsd: 8 }))
  t.equal(tally.entries().length, 3)
  t.match(tally.entries()[0], { meter: 'interactive', requests: 2, input: 3 })
  t.equal(tally.estimatedUsd(), 15)
})

t.test('made-up names do not make it grow without end, and no dollar is lost', async t => {
  const tally = createTally({ rows: 4, models: 2 })
  for (let i = 0; i < 100; i++) {
    const meter = i.toString(16).padStart(16, '0')
    tally.add(entry({ meter, model: `made-up-${i}`, estimatedUsd: 1 }))
  }
  t.ok(tally.entries().length <= 8, `${tally.entries().length} rows`)
  t.equal(tally.estimatedUsd(), 100)
  t.equal(
    tally.entries().reduce((sum, { estimatedUsd }) => sum + estimatedUsd, 0),
    100,
  )
  t.match(tally.entries().at(-1), { meter: 'other', model: 'other' })
})
