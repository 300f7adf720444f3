import t from 'tap'
import { isShared } from '../../../src/egress/shared-suffixes.ts'

t.test('a suffix under which anybody registers, and what stands above it, is shared', async t => {
  for (const name of ['pages.dev', 'azure.com', 'googleapis.com', 'amazonaws.com']) {
    t.ok(isShared(name), name)
  }
})

t.test('a name below a shared suffix has an owner', async t => {
  t.notOk(isShared('project.pages.dev'))
  t.notOk(isShared('someone.github.io'))
})

t.test('regions and products of a cloud are shared like their suffix', async t => {
  t.ok(isShared('s3.eu-west-1.amazonaws.com'))
  t.ok(isShared('blob.core.windows.net'))
})

t.test('a name that only ends alike is not shared', async t => {
  t.notOk(isShared('mypages.dev'))
  t.notOk(isShared('notamazonaws.com'))
})
