import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openDatabase } from '../../../src/tenants/store/database.ts'
import { prepareStatements } from '../../../src/tenants/store/statements.ts'
import { storedEvents } from '../../../src/tenants/store/stored-events.ts'
import { memoryFolder } from '../../support/memory-folder.ts'

t.test('a reader of stored events holds a bounded part of them, and gets all in order', async t => {
  const folder = mkdtempSync(join(memoryFolder(), 'stored-events-'))
  const database = openDatabase(join(folder, 'runs.sqlite'))
  t.teardown(() => {
    database.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const statements = prepareStatements(database)
  const { lastInsertRowid } = statements.insert.run(
    ...['a', '0123456789abcdef', '/workspaces', '2026-11-29T00:00:00Z', 'x', null, null, 'api'],
    ...[null, null],
  )
  const id = Number(lastInsertRowid)
  // Two larger than a page, many that fill several pages, and more small ones than a page has.
  const sizes = [600_000, 700_000, ...Array(20).fill(100_000), ...Array(150).fill(10)]
  for (const [at, size] of sizes.entries()) {
    const event = { kind: 'notice', text: 'é'.repeat(size / 2), seq: at + 1, at: 'now' }
    statements.event.run(id, at + 1, JSON.stringify(event))
  }

  const pages: number[] = []
  const { events, eventSizes } = statements
  const watched = {
    eventSizes,
    events: Object.assign(Object.create(events), {
      all: (run: number, seq: number, most: number) => {
        const rows = events.all(run, seq, most)
        pages.push(rows.reduce((sum, { body }) => sum + Buffer.byteLength(String(body)), 0))
        return rows
      },
    }),
  }
  const seen: number[] = []
  for await (const { seq } of storedEvents({ statements: watched, live: () => undefined }, id)) {
    seen.push(seq)
  }
  t.same(
    seen,
    sizes.map((_, at) => at + 1),
  )
  t.same(
    pages.filter(bytes => bytes > 256 * 1024).length,
    2,
    'only an event larger than a page exceeds it',
  )
  t.ok(Math.max(...pages) < 710_000, 'alone')
})
