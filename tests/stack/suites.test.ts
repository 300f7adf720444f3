import t from 'tap'
import { allTestFiles, suiteOf } from '../support/suite/suites.ts'

t.test('every test file belongs to a suite', async t => {
  const files = allTestFiles()
  t.ok(files.length > 200, `${files.length} files`)
  t.same(
    files.filter(file => !suiteOf(file)),
    [],
  )
})
