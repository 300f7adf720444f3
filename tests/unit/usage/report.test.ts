import t from 'tap'
import type { ReadDay } from '../../../src/usage/day-files.ts'
import type { UsageEntry } from '../../../src/usage/entry.ts'
import { addSums, buildUsageReport } from '../../../src/usage/report.ts'
import { createTally } from '../../../src/usage/tally.ts'
import { entry } from '../../support/usage/entries.ts'

const meter = 'aaaaaaaaaaaaaaaa'

function day(name: string, entries: UsageEntry[], damaged = 0): ReadDay {
  const tally = createTally()
  for (const each of entries) tally.add(each)
  return { day: name, tally, next: 1, damaged }
}

const days = [
  day('2026-11-19', [entry({ input: 1_000, estimatedUsd: 100 })]),
  day('2026-11-20', [entry({ input: 1, costUsd: 1, estimatedUsd: 1 })], 2),
  day('2026-11-21', [
    entry({ input: 2, costUsd: 2, estimatedUsd: 2 }),
    entry({ meter, input: 4, costUsd: 4, estimatedUsd: 4 }),
    entry({ meter, model: 'claude-haiku-5-5', input: 8, costUsd: 8, estimatedUsd: 8 }),
  ]),
]
const report = (more = {}) =>
  buildUsageReport({
    stack: 's',
    days,
    since: '2026-11-20',
    today: '2026-11-21',
    budget: { usd: 20, tokens: 100 },
    runs: [{ runId: 'bbbbbbbbbbbbbbbb', meter, workspace: '/workspace', startedAt: 'then' }],
    ...more,
  })

t.test('by day, by model, by who, and in sum, of the days that were asked for', async t => {
  const found = report()
  t.match(found.days, [
    { day: '2026-11-20', input: 1, models: [{ model: 'claude-opus-5', input: 1 }] },
    { day: '2026-11-21', input: 14, costUsd: 14 },
  ])
  t.match(found.models, [
    { model: 'claude-haiku-5-5', input: 8 },
    { model: 'claude-opus-5', input: 7 },
  ])
  t.match(found.interactive, { input: 3, requests: 2 })
  t.match(found.runs, [{ meter, input: 12, runs: [{ runId: 'bbbbbbbbbbbbbbbb' }] }])
  t.match(found.total, { input: 15, requests: 4, costUsd: 15 })
  t.equal(found.damaged, 2)
})

t.test("reports the rest of today's budget", async t => {
  t.match(report().today, { estimatedUsd: 14, budgetUsd: 20, leftUsd: 6 })
  t.match(report({ budget: { usd: 5, tokens: null } }).today, { leftUsd: 0 })
  t.match(report({ budget: { usd: null, tokens: null } }).today, {
    estimatedUsd: 14,
    leftUsd: null,
  })
  t.match(report({ today: '2026-11-22' }).today, { estimatedUsd: 0, leftUsd: 20 })
})

t.test('nothing comes to nothing', async t => {
  const found = report({ days: [] })
  t.match(found.total, { requests: 0, costUsd: 0 })
  t.strictSame([found.days, found.models, found.runs], [[], [], []])
})

t.test('the sums of several stacks', async t => {
  t.match(addSums([report().total, report().total]), { input: 30, costUsd: 30 })
  t.notOk('meter' in addSums([]))
})

t.test("reports the rest of today's tokens", async t => {
  const used = [day('2026-11-21', [entry({ estimatedTokens: 60 })])]
  t.match(report({ days: used }).today, { estimatedTokens: 60, budgetTokens: 100, leftTokens: 40 })
  t.match(report({ days: used, budget: { usd: null, tokens: 50 } }).today, { leftTokens: 0 })
  t.equal(report({ budget: { usd: 1, tokens: null } }).today.leftTokens, null)
})

t.test('the usage of a run is divided among its agents, the dearest first', async t => {
  const of = (values: Partial<UsageEntry>) => entry({ meter, session: 's', ...values })
  const found = report({
    days: [
      day('2026-11-20', [of({ agent: 'a', input: 1, estimatedUsd: 1 })]),
      day('2026-11-21', [
        of({ input: 2, estimatedUsd: 3 }),
        of({ agent: 'a', model: 'claude-haiku-5-5', input: 4, estimatedUsd: 1 }),
        of({ agent: 'b', parentAgent: 'a', input: 8, estimatedUsd: 9 }),
        entry({ input: 16 }),
      ]),
    ],
  })
  const [run] = found.runs
  t.match(run, { meter, input: 15, requests: 4 })
  t.strictSame(
    run?.agents.map(({ session, agent, parentAgent, input }) => [
      session,
      agent,
      parentAgent,
      input,
    ]),
    [
      ['s', 'b', 'a', 8],
      ['s', null, null, 2],
      ['s', 'a', null, 5],
    ],
  )
  t.match(found.interactive, { input: 16, agents: [{ session: null, agent: null, input: 16 }] })
  t.equal(found.runs.length, 1, 'one row for the run with all its agents')
})
