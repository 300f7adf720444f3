import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { longestFirst, readDurations, writeDurations } from '../support/suite/durations.ts'
import { allTestFiles } from '../support/suite/suites.ts'

t.test('longestFirst sorts by duration, and files without one by the default', async t => {
  const durations = { a: 1, b: 30, d: 2 }
  t.same(longestFirst(['a', 'b', 'c', 'd'], durations, 99), ['c', 'b', 'd', 'a'])
  t.same(longestFirst(['a', 'b', 'c', 'd'], durations, 0), ['b', 'd', 'a', 'c'])
})

t.test('durations of the last run override committed ones', async t => {
  const cache = join(t.testdir(), 'cache')
  const committed = readDurations(cache)
  t.ok(Object.keys(committed).length > 30)
  const [known = ''] = Object.keys(committed)
  writeDurations(
    [
      { name: known, seconds: 1234.2 },
      { name: 'new', seconds: 0.1 },
    ],
    cache,
  )
  t.same(readDurations(cache), { ...committed, [known]: 1235, new: 1 })
})

t.test('a damaged cache changes nothing', async t => {
  const cache = t.testdir()
  const committed = readDurations(cache)
  writeFileSync(join(cache, 'test-durations.json'), '{"a":')
  t.same(readDurations(cache), committed)
})

t.test('the committed durations name files that exist', async t => {
  const files = allTestFiles()
  const committed = Object.keys(readDurations(t.testdir()))
  t.same(
    committed.filter(file => !files.includes(file)),
    [],
  )
})
