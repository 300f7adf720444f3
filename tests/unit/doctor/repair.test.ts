import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { repairAll } from '../../../src/doctor/repair.ts'

const log = () => {}

function findings(folder: string) {
  const missing = join(folder, 'missing')
  const file = join(folder, 'file')
  return {
    file,
    missing,
    list: [
      { repair: { kind: 'set-mode' as const, path: missing, mode: 0o600 } },
      {},
      { repair: { kind: 'set-mode' as const, path: file, mode: 0o600 } },
    ],
  }
}

t.test('a failed repair does not stop the others', async t => {
  const { file, missing, list } = findings(t.testdir({ file: '' }))
  const { signal } = new AbortController()
  const [first, second, ...more] = await repairAll(list, { dryRun: false, log, signal })
  t.match(first, { what: `chmod 600 ${missing}`, outcome: 'failed', reason: /ENOENT/ })
  t.same(second, { what: `chmod 600 ${file}`, outcome: 'done' })
  t.same(more, [])
  t.equal(statSync(file).mode & 0o777, 0o600)
})

t.test('a dry run changes nothing', async t => {
  const { file, list } = findings(t.testdir({ file: '' }))
  const before = statSync(file).mode
  const { signal } = new AbortController()
  const done = await repairAll(list, { dryRun: true, log, signal })
  t.same(
    done.map(({ outcome }) => outcome),
    ['would be done', 'would be done'],
  )
  t.equal(statSync(file).mode, before)
})

t.test('an interruption is not reported as a failed repair', async t => {
  const { list } = findings(t.testdir({ file: '' }))
  const signal = AbortSignal.abort(new Error('interrupted'))
  await t.rejects(repairAll(list, { dryRun: false, log, signal }), { message: 'interrupted' })
})
