/** The rows of tests/e2e/mutation/source-TABLE.test.ts, which take minutes: each names what is there. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { sourceTables } from '../support/mutation/source-tables.ts'
import { repository } from '../support/stack/checkout.ts'

const read = (file: string) => readFileSync(join(repository, file), 'utf8')

t.test('a removed control is stated once, and its test exists', async t => {
  const rows = Object.values(sourceTables).flat()
  t.ok(rows.length > 200)
  for (const { control, file, remove, test } of rows) {
    const [from] = remove
    t.equal(read(file).split(from).length, 2, control)
    t.ok(existsSync(join(repository, test)), `${control}: ${test}`)
  }
})

t.test('each table has a test that removes its controls', async t => {
  for (const table of Object.keys(sourceTables)) {
    const file = `tests/e2e/mutation/source-${table}.test.ts`
    t.match(read(file), `removeSourceControls(t, '${table}')`, file)
  }
})
