import { writeFile } from 'node:fs/promises'
import t from 'tap'
import { readBaseline, renderBaseline } from '../../../../src/workspace/copy/baseline.ts'
import { baselinePath, readCopyRecord } from '../../../../src/workspace/copy/record.ts'
import { noIgnoreRules } from '../../../../src/workspace/ignore/rules.ts'

t.test('when and for whom a copy was taken is read from the beginning of its baseline', async t => {
  const path = baselinePath({ path: t.testdir({}) })
  t.equal(await readCopyRecord(path), null)
  const taken = new Date().toISOString()
  const nothing = { tree: new Map(), leftOut: [], rules: noIgnoreRules }
  await writeFile(path, renderBaseline({ taken, ...nothing }))
  t.same(await readCopyRecord(path), { taken, owner: null }, 'of a version that knew one owner')
  const owner = { uid: 4294967294, gid: 0 }
  await writeFile(path, renderBaseline({ taken, owner, ...nothing }))
  t.same(await readCopyRecord(path), { taken, owner })
  t.match(await readBaseline(path), { taken, owner })
  await writeFile(path, 'damaged')
  t.equal(await readCopyRecord(path), null)
})
