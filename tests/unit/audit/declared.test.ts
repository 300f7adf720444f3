import t from 'tap'
import { declaredMounts } from '../../../src/audit/declared.ts'

const labelled = (text: string) => ({ Config: { Labels: { 'claude-secure.mounts': text } } })

t.test('what start wrote down, and nothing where that cannot be read', async t => {
  const mount = { source: '/data', target: '/mnt/data', writable: false }
  t.same(declaredMounts(labelled(JSON.stringify([mount]))), [mount])
  for (const text of ['', '{', '{}', '[{"source":"/"}]']) t.same(declaredMounts(labelled(text)), [])
  t.same(declaredMounts({ Config: { Labels: null } }), [])
})
