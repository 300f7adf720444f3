import { writeFile } from 'node:fs/promises'
import t from 'tap'
import {
  baselinePath,
  readCopyTime,
  renderBaseline,
} from '../../../../src/workspace/copy/baseline.ts'
import { noIgnoreRules } from '../../../../src/workspace/ignore/rules.ts'

t.test('when a copy was taken is read from the beginning of its baseline', async t => {
  const path = baselinePath({ path: t.testdir({}) })
  t.equal(await readCopyTime(path), null)
  const taken = new Date().toISOString()
  await writeFile(
    path,
    renderBaseline({ taken, tree: new Map(), leftOut: [], rules: noIgnoreRules }),
  )
  t.equal(await readCopyTime(path), taken)
  await writeFile(path, 'damaged')
  t.equal(await readCopyTime(path), null)
})
