import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { dayOf, linesFile, listDays, readDay, totalsFile } from '../../../src/usage/day-files.ts'
import { entry } from '../../support/usage/entries.ts'

const day = '2026-11-21'
const line = (values = {}) => `${JSON.stringify(entry(values))}\n`
const totals = (generation: number, entries: object[]) =>
  JSON.stringify({ version: 1, generation, entries })

t.test('a day is one of UTC', async t => {
  t.equal(dayOf(new Date('2026-11-21T23:59:59.999-01:00')), '2026-11-22')
})

t.test('a folder that is not there has no days', async t => {
  t.strictSame(await listDays(join(t.testdir(), 'none')), [])
})

t.test('days come oldest first; other files are none of ours', async t => {
  const folder = t.testdir({
    '2026-11-21.json': '',
    '2026-11-21.10.ndjson': '',
    '2026-11-21.9.ndjson': '',
    '2025-01-01.0.ndjson': '',
    '2026-11-21.json.tmp': '',
    'x-2026-11-21.json': '',
  })
  const days = await listDays(folder)
  t.strictSame(
    days.map(({ day, totals, generations }) => ({ day, totals, generations })),
    [
      { day: '2025-01-01', totals: false, generations: [0] },
      { day, totals: true, generations: [9, 10] },
    ],
  )
})

t.test('sums and the lines after them make the day; lines of before count no more', async t => {
  const folder = t.testdir({
    [`${day}.json`]: totals(3, [entry({ input: 100 })]),
    [`${day}.2.ndjson`]: line({ input: 1_000_000 }),
    [`${day}.3.ndjson`]: line({ input: 1 }) + line({ input: 2 }),
    [`${day}.4.ndjson`]: line({ input: 4 }),
  })
  const read = await readDay(folder, day)
  t.match(read.tally.entries(), [{ input: 107, requests: 4 }])
  t.match(read, { next: 5, damaged: 0 })
})

t.test('a line that was cut, and what is no entry, is left out and said', async t => {
  const folder = t.testdir({
    [`${day}.0.ndjson`]: `${line({ input: 1 })}not json\n{"meter":"x"}\n${line().slice(0, -9)}`,
  })
  const { tally, damaged } = await readDay(folder, day)
  t.match(tally.entries(), [{ input: 1 }])
  t.equal(damaged, 3)
})

t.test('damaged sums do not hide the lines', async t => {
  const folder = t.testdir({ [`${day}.json`]: '{', [`${day}.7.ndjson`]: line({ input: 1 }) })
  const { tally, damaged } = await readDay(folder, day)
  t.match(tally.entries(), [{ input: 1 }])
  t.equal(damaged, 1)
})

t.test('no link is followed, and nothing but a file is read', async t => {
  const folder = t.testdir({ outside: line({ input: 5 }) })
  symlinkSync(join(folder, 'outside'), linesFile(folder, day, 0))
  await t.rejects(readDay(folder, day), /is not a usage file/)
  mkdirSync(totalsFile(folder, '2026-11-22'))
  await t.rejects(readDay(folder, '2026-11-22'), /is not a usage file/)
})

t.test('a file of a size that no day has is not read', async t => {
  const folder = t.testdir()
  writeFileSync(linesFile(folder, day, 0), Buffer.alloc(33 * 1024 * 1024))
  await t.rejects(readDay(folder, day), /is not a usage file/)
})
