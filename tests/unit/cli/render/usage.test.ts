import t from 'tap'
import { renderUsage } from '../../../../src/cli/render/usage.ts'
import type { UsageEntry } from '../../../../src/usage/entry.ts'
import { addSums, buildUsageReport } from '../../../../src/usage/report.ts'
import { createTally } from '../../../../src/usage/tally.ts'
import { entry } from '../../../support/usage/entries.ts'

const day = '2026-11-21'
const meter = 'aaaaaaaaaaaaaaaa'

function report(entries: UsageEntry[], more = {}) {
  const tally = createTally()
  for (const each of entries) tally.add(each)
  return buildUsageReport({
    stack: 'claude-secure-app-1234',
    days: [{ day, tally, next: 1, damaged: 0 }],
    since: day,
    today: day,
    budget: { usd: null, tokens: null },
    runs: [],
    ...more,
  })
}

function text(reports: ReturnType<typeof report>[], days = 7) {
  const total = addSums(reports.map(({ total }) => total))
  return renderUsage(reports, total, { days, colour: false })
}

t.test('usage is shown by day, model and run, in columns', async t => {
  const entries = [
    entry({ input: 12_345, output: 67, costUsd: 1.5, estimatedUsd: 1.5 }),
    entry({ meter, model: 'claude-haiku-5-5', input: 5, costUsd: 0.000_2, estimatedUsd: 0.000_2 }),
  ]
  const runs = [{ runId: 'bbbbbbbbbbbbbbbb', meter, workspace: '/workspace', startedAt: 'then' }]
  const found = text([report(entries, { runs, budget: { usd: 2, tokens: null } })])
  t.match(found, /^claude-secure-app-1234\n/)
  t.match(found, /2026-11-21 +2 +12,350 +0 +0 +67 +\$1\.5002/)
  t.match(found, /claude-haiku-5-5 +1 .*\$0\.000200/)
  t.match(found, /interactive +1 .*\$1\.5000/)
  t.match(found, /run bbbbbbbbbbbbbbbb +1 /)
  t.match(found, /budget of 2026-11-21 \(UTC\): \$0\.4998 left of \$2$/)
})

t.test('a run that is not in the store is named by its meter', async t => {
  t.match(text([report([entry({ meter })])]), /meter aaaaaaaaaaaaaaaa/)
})

t.test('unknown usage is reported, and not shown as zero', async t => {
  const found = text([
    report([
      entry({ unpriced: 1, estimatedUsd: 3 }),
      entry({ uncounted: 2, broken: 1, errors: 1 }),
    ]),
  ])
  t.match(found, /\$0\.0000 \+ unknown/)
  t.match(found, /1 request to a model without a known price/)
  t.match(found, /2 requests without a usage report/)
  t.match(found, /budgets count \$3\.0000/)
  t.match(found, /1 request ended before the answer was complete/)
  t.match(found, /1 request failed, at no cost/)
})

t.test('no usage is stated in words, and several stacks have a total', async t => {
  t.match(text([report([])]), /no usage in the last 7 days \(UTC\)/)
  t.match(text([report([])], 1), /no usage today \(UTC\)/)
  const two = text([report([entry({ input: 1 })]), report([entry({ input: 2 })])])
  t.match(two, /ALL STACKS.*\ntotal +2 +3 /)
})

t.test('in a terminal of 80 columns every line fits', async t => {
  const model = 'claude-sonnet-with-a-long-name-20251231'
  const big = { input: 123_456_789, output: 1_234_567, costUsd: 123.5, estimatedUsd: 123.5 }
  const found = report([entry({ model, ...big }), entry({ meter, ...big })])
  const text = renderUsage([found], found.total, { days: 7, colour: false, width: 80 })
  t.ok(
    text.split('\n').every(line => line.length <= 80),
    text,
  )
  t.match(text, /246,913,578/)
})

t.test('the subagents of a run stand below it, and its own conversation in none', async t => {
  const found = text([
    report([
      entry({ meter, session: 's', input: 100, estimatedUsd: 2 }),
      entry({ meter, session: 's', agent: 'a1b2', input: 7, estimatedUsd: 1 }),
      ...Array.from({ length: 30 }, (_, i) => entry({ meter, session: 's', agent: `more-${i}` })),
    ]),
  ])
  t.match(found, /meter aaaaaaaaaaaaaaaa +32 +107 .*\n {2}agent a1b2 +1 +7 /)
  t.equal(found.match(/^ {2}agent /gm)?.length, 10, '--json has them all')
})

t.test('a tenant is named, with its budgets', async t => {
  const budget = { usd: 2, tokens: 1_000 }
  const found = text([report([entry({ estimatedTokens: 400 })], { tenant: 'blue', budget })])
  t.match(found, /^claude-secure-app-1234, tenant blue\n/)
  t.match(found, /\nbudget of 2026-11-21 \(UTC\): \$2\.0000 left of \$2\n/)
  t.match(found, /\ntoken budget of 2026-11-21 \(UTC\): 600 left of 1,000$/)
})
