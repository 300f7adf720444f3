import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'

const found: Record<string, boolean> = {}

/** A test whose folder is made first, so that tap would remove it first. */
function makeFolder(t: Test, name: string) {
  const folder = t.testdir({ file: '' })
  t.teardown(async () => {
    await new Promise(resolve => setTimeout(resolve, 10))
    found[name] = existsSync(join(folder, 'file'))
    mkdirSync(join(folder, 'late'))
  })
}

t.test('a test makes a folder', async t => {
  makeFolder(t, 'test')
  await t.test('and a test in it too', async t => {
    makeFolder(t, 'inner')
    t.pass('nothing to look at before the teardowns')
  })
})

t.test('teardowns find the folder of their test, which is removed after them', async t => {
  t.same(found, { test: true, inner: true })
})
