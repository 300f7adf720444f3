import t from 'tap'
import { readUsageReport } from '../../../src/usage/read-report.ts'
import { entry } from '../../support/usage/entries.ts'

const now = new Date('2026-11-21T12:00:00Z')
const line = (values: Parameters<typeof entry>[0]) => `${JSON.stringify(entry(values))}\n`
const about = { stack: 's', budget: { usd: null, tokens: 100 }, runs: [], now }

t.test('the files of the days that were asked for are a report', async t => {
  const folder = t.testdir({
    '2026-11-19.0.ndjson': line({ input: 100 }),
    '2026-11-20.0.ndjson': line({ input: 10 }),
    '2026-11-21.0.ndjson': line({ input: 1, estimatedTokens: 30 }),
    blue: { '2026-11-21.0.ndjson': line({ input: 1_000 }) },
  })
  const found = await readUsageReport({ ...about, folder, days: 2 })
  t.match(found, {
    total: { input: 11 },
    tenant: null,
    today: { day: '2026-11-21', leftTokens: 70 },
  })
  const own = await readUsageReport({ ...about, folder: `${folder}/blue`, tenant: 'blue', days: 1 })
  t.match(own, { tenant: 'blue', total: { input: 1_000 } })
})

t.test('files of an older version are read, and count the tokens that they report', async t => {
  const { estimatedTokens: _, ...old } = entry({ input: 3, output: 4 })
  const folder = t.testdir({
    '2026-11-20.json': JSON.stringify({ version: 1, generation: 1, entries: [old] }),
    '2026-11-21.0.ndjson': `${JSON.stringify(old)}\n`,
  })
  const found = await readUsageReport({ ...about, folder, days: 7 })
  t.match(found, { damaged: 0, total: { input: 6 }, today: { estimatedTokens: 7 } })
})

t.test('a folder that is not there has no usage', async t => {
  const folder = `${t.testdir({})}/none`
  t.match(await readUsageReport({ ...about, folder, days: 7 }), {
    days: [],
    total: { requests: 0 },
  })
})
