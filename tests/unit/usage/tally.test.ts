import t from 'tap'
import { createTally, tallyKey } from '../../../src/usage/tally.ts'
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
  const tally = createTally({ rows: 4, models: 2, agents: 9 })
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

t.test('agents and sessions are rows of their own', async t => {
  const tally = createTally()
  const meter = 'aaaaaaaaaaaaaaaa'
  tally.add(entry({ meter, input: 1, estimatedTokens: 10 }))
  tally.add(entry({ meter, session: 's', input: 2, estimatedTokens: 20 }))
  tally.add(entry({ meter, session: 's', agent: 'a', input: 4, estimatedTokens: 40 }))
  tally.add(entry({ meter, session: 's', agent: 'a', input: 8, estimatedTokens: 80 }))
  tally.add(entry({ meter, session: 's', agent: 'b', parentAgent: 'a', input: 16 }))
  t.strictSame(
    tally
      .entries()
      .map(({ session, agent, parentAgent, input }) => [session, agent, parentAgent, input]),
    [
      [undefined, undefined, undefined, 1],
      ['s', undefined, undefined, 2],
      ['s', 'a', undefined, 12],
      ['s', 'b', 'a', 16],
    ],
  )
  t.equal(tally.estimatedTokens(), 150)
  t.equal(new Set(tally.entries().map(tallyKey)).size, 4)
})

t.test('made-up agents take no row from another run, and no token is lost', async t => {
  const tally = createTally({ rows: 20, models: 2, agents: 5 })
  const [hostile, honest] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb']
  for (let i = 0; i < 100; i++) {
    tally.add(entry({ meter: hostile, session: `s${i}`, agent: `a${i}`, estimatedTokens: 1 }))
    tally.add(entry({ meter: hostile, session: `s${i}`, estimatedTokens: 1 }))
  }
  const of = (meter: string) => tally.entries().filter(row => row.meter === meter)
  t.equal(of(hostile).length, 7, 'five with names, one for other agents, one for the rest')
  t.equal(of(hostile).filter(({ agent }) => agent === 'other').length, 1)
  tally.add(entry({ meter: honest, session: 's', agent: 'mine', estimatedTokens: 1 }))
  t.match(of(honest), [{ session: 's', agent: 'mine' }])
  t.equal(tally.estimatedTokens(), 201)
})

t.test('names fill at most half of the rows of a day', async t => {
  const tally = createTally({ rows: 20, models: 2, agents: 5 })
  for (let i = 0; i < 10; i++) {
    const meter = i.toString(16).padStart(16, '0')
    for (let n = 0; n < 5; n++) tally.add(entry({ meter, session: 's', agent: `a${n}` }))
  }
  const named = tally.entries().filter(({ session }) => session !== undefined)
  t.equal(named.length, 10)
  t.notOk(
    tally.entries().some(({ meter }) => meter === 'other'),
    'every run keeps its name',
  )
})
