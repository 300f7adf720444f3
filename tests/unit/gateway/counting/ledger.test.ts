import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createLedger } from '../../../../src/gateway/counting/ledger.ts'
import type { GatewayEvent } from '../../../../src/gateway/gateway-log.ts'
import { readDay } from '../../../../src/usage/day-files.ts'
import { entry } from '../../../support/usage/entries.ts'

const day = '2026-11-21'
const noon = new Date(`${day}T12:00:00Z`)

async function openLedger(t: Test, folder: string, options: { linesBytes?: number } = {}) {
  const events: GatewayEvent[] = []
  let time = noon
  const ledger = await createLedger({
    folder,
    log: event => void events.push(event),
    now: () => time,
    flushMilliseconds: 10,
    ...options,
  })
  t.teardown(() => ledger.close())
  return {
    ledger,
    events,
    setTime: (next: string) => {
      time = new Date(next)
    },
  }
}

const inputOf = async (folder: string, name = day) =>
  (await readDay(folder, name)).tally.entries().reduce((sum, { input }) => sum + input, 0)

t.test('an added entry reaches the file by itself, readable only by its owner', async t => {
  const folder = t.testdir()
  const { ledger } = await openLedger(t, folder)
  ledger.add(entry({ input: 5 }))
  while ((await inputOf(folder)) !== 5) await new Promise(resolve => setTimeout(resolve, 5))
  const [name = ''] = readdirSync(folder)
  t.equal(name, `${day}.0.ndjson`)
  t.equal(statSync(join(folder, name)).mode & 0o777, 0o600)
})

t.test('requests of one flush become one line per meter and model', async t => {
  const folder = t.testdir()
  const { ledger } = await openLedger(t, folder)
  for (let i = 0; i < 50; i++) ledger.add(entry({ input: 1 }))
  ledger.add(entry({ meter: 'aaaaaaaaaaaaaaaa', input: 1 }))
  await ledger.flush()
  const lines = readFileSync(join(folder, `${day}.0.ndjson`), 'utf8')
    .trim()
    .split('\n')
  t.equal(lines.length, 2)
  t.match(JSON.parse(lines[0] ?? ''), { requests: 50, input: 50, at: noon.toISOString() })
})

t.test('a new gateway continues where the last one was killed', async t => {
  const folder = t.testdir()
  const first = await openLedger(t, folder)
  first.ledger.add(entry({ input: 5, estimatedUsd: 1.5 }))
  await first.ledger.flush()
  // Cut in the middle of a line.
  const path = join(folder, `${day}.0.ndjson`)
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"meter":"inter`)
  const second = await openLedger(t, folder)
  t.equal(second.ledger.today().usd, 1.5)
  second.ledger.add(entry({ input: 2, estimatedUsd: 0.5 }))
  await second.ledger.flush()
  t.equal(await inputOf(folder), 7)
  t.equal((await readDay(folder, day)).damaged, 0)
  const third = await openLedger(t, folder)
  t.equal(third.ledger.today().usd, 2)
})

t.test('many lines are compacted into totals, and none counts twice', async t => {
  const folder = t.testdir()
  const { ledger } = await openLedger(t, folder, { linesBytes: 1_000 })
  for (let i = 0; i < 30; i++) {
    ledger.add(entry({ input: 1 }))
    await ledger.flush()
  }
  t.equal(await inputOf(folder), 30)
  t.ok(readdirSync(folder).includes(`${day}.json`))
  t.ok(readdirSync(folder).length <= 2, readdirSync(folder).join())
})

t.test('a day ends at midnight UTC, and its lines are compacted', async t => {
  const folder = t.testdir()
  const { ledger, setTime } = await openLedger(t, folder)
  ledger.add(entry({ meter: 'aaaaaaaaaaaaaaaa', input: 1, estimatedUsd: 1 }))
  await ledger.flush()
  setTime('2026-11-22T00:00:01Z')
  t.equal(ledger.today().usd, 0)
  ledger.add(entry({ input: 2, estimatedUsd: 2 }))
  await ledger.flush()
  t.equal(ledger.today().usd, 2)
  t.strictSame(readdirSync(folder).sort(), [`${day}.json`, '2026-11-22.0.ndjson'])
  t.equal(await inputOf(folder), 1)
  t.equal(await inputOf(folder, '2026-11-22'), 2)
})

t.test('old days are removed', async t => {
  const folder = t.testdir()
  for (let i = 0; i < 405; i++) {
    const old = new Date(noon.getTime() - (i + 1) * 86_400_000).toISOString().slice(0, 10)
    writeFileSync(join(folder, `${old}.json`), '{"version":1,"generation":1,"entries":[]}')
  }
  await openLedger(t, folder)
  t.equal(readdirSync(folder).length, 400)
  t.ok(readdirSync(folder).includes('2026-11-20.json'), 'the newest stay')
})

t.test('an entry that cannot be written is kept, reported once and written once', async t => {
  const folder = join(t.testdir(), 'usage')
  mkdirSync(folder)
  const { ledger, events } = await openLedger(t, folder)
  t.equal(ledger.failure(), null)
  ledger.add(entry({ input: 1, estimatedUsd: 1 }))
  await ledger.flush()
  rmSync(folder, { recursive: true })
  for (let i = 0; i < 5; i++) {
    ledger.add(entry({ input: 1, estimatedUsd: 1 }))
    await ledger.flush()
  }
  t.equal(ledger.failure(), 'ENOENT')
  t.equal(ledger.today().usd, 6, 'it still counts')
  t.equal(events.filter(({ kind }) => kind === 'warn').length, 1)
  mkdirSync(folder)
  await ledger.flush()
  t.equal(ledger.failure(), null)
  t.equal(await inputOf(folder), 5)
})

t.test('an unusable folder is reported at once and does not stop the gateway', async t => {
  const { ledger, events } = await openLedger(t, join(t.testdir(), 'none'))
  t.equal(ledger.failure(), 'ENOENT')
  t.match(events, [{ kind: 'warn', message: /ENOENT/ }])
  ledger.add(entry({ estimatedUsd: 3 }))
  t.equal(ledger.today().usd, 3)
})

t.test('a full disk is reported, and a partial write counts once', async t => {
  const folder = t.testdir()
  const { ledger } = await openLedger(t, folder)
  const path = join(folder, `${day}.0.ndjson`)
  symlinkSync('/dev/full', path)
  ledger.add(entry({ input: 1 }))
  await ledger.flush()
  t.equal(ledger.failure(), 'ENOSPC')
  rmSync(path)
  ledger.add(entry({ input: 2 }))
  await ledger.flush()
  t.equal(ledger.failure(), null)
  writeFileSync(path, `${readFileSync(path, 'utf8')}${JSON.stringify(entry({ input: 500 }))}\n`)
  ledger.add(entry({ input: 4 }))
  await ledger.flush()
  t.equal(await inputOf(folder), 7, 'what it did not know to be whole is gone')
})

t.test('while earlier usage cannot be read, the ledger reports a failure', async t => {
  const folder = t.testdir({
    [`${day}.0.ndjson`]: `${JSON.stringify(entry({ estimatedUsd: 5 }))}\n`,
  })
  const elsewhere = `${folder}-elsewhere`
  renameSync(folder, elsewhere)
  const { ledger } = await openLedger(t, folder)
  ledger.add(entry({ estimatedUsd: 1 }))
  await ledger.flush()
  t.equal(ledger.failure(), 'ENOENT')
  renameSync(elsewhere, folder)
  await ledger.flush()
  t.equal(ledger.failure(), null)
  t.equal(ledger.today().usd, 6)
  await ledger.flush()
  const { tally } = await readDay(folder, day)
  t.equal(tally.estimatedUsd(), 6)
})

t.test('an entry added during compaction is not lost', async t => {
  const folder = t.testdir()
  const { ledger } = await openLedger(t, folder, { linesBytes: 1 })
  let added = 0
  for (let round = 0; round < 20; round++) {
    ledger.add(entry({ input: 1 }))
    const flushed = ledger.flush()
    for (let i = 0; i < 5; i++) {
      await new Promise(resolve => setImmediate(resolve))
      ledger.add(entry({ input: 1 }))
    }
    await flushed
    added += 6
  }
  await ledger.flush()
  t.equal(await inputOf(folder), added)
})
