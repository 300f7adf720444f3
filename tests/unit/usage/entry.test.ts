import t from 'tap'
import { addEntries, UsageEntry } from '../../../src/usage/entry.ts'
import { entry } from '../../support/usage/entries.ts'

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
