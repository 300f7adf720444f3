import t from 'tap'
import { createTally } from '../../../src/usage/tally.ts'
import { entry } from '../../support/usage/entries.ts'

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
