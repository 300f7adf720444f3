import t from 'tap'
import { createTally } from '../../../src/usage/tally.ts'
import { entry } from '../../support/usage/entries.ts'

t.test('sums by meter and model', async t => {
  const tally = createTally()
  tally.add(entry({ input: 1, reckonedUsd: 1 }))
  tally.add(entry({ input: 2, reckonedUsd: 2 }))
  tally.add(entry({ meter: 'aaaaaaaaaaaaaaaa', reckonedUsd: 4 }))
  tally.add(entry({ meter: 'aaaaaaaaaaaaaaaa', model: 'claude-haiku-5-5', reckonedUsd: 8 }))
  t.equal(tally.entries().length, 3)
  t.match(tally.entries()[0], { meter: 'interactive', requests: 2, input: 3 })
  t.equal(tally.reckoned(), 15)
})

t.test('made-up names do not make it grow without end, and no dollar is lost', async t => {
  const tally = createTally({ rows: 4, models: 2 })
  for (let i = 0; i < 100; i++) {
    const meter = i.toString(16).padStart(16, '0')
    tally.add(entry({ meter, model: `made-up-${i}`, reckonedUsd: 1 }))
  }
  t.ok(tally.entries().length <= 8, `${tally.entries().length} rows`)
  t.equal(tally.reckoned(), 100)
  t.equal(
    tally.entries().reduce((sum, { reckonedUsd }) => sum + reckonedUsd, 0),
    100,
  )
  t.match(tally.entries().at(-1), { meter: 'other', model: 'other' })
})
