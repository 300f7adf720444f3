import t from 'tap'
import { completeLogs } from '../../../../src/audit/probes/n17-forged-log.ts'

const soon = { every: 1, timeout: 2_000 }

t.test('a line that is written after the judged ones is waited for', async t => {
  const logs = (marked: string[], missing: string[] = []) => ({ lines: marked, marked, missing })
  const reads = [
    logs(['a'], ['proxy']),
    logs(['a', 'b']),
    logs(['a', 'b', 'forged']),
    logs(['a', 'b', 'forged']),
    logs(['too late']),
  ]
  const { marked } = await completeLogs(async () => reads.shift() ?? logs([]), soon)
  t.same(marked, ['a', 'b', 'forged'])
})

t.test('a log without the last request is not called complete', async t => {
  const read = async () => ({ lines: ['a'], marked: [], missing: ['gateway'] })
  const { missing } = await completeLogs(read, { every: 1, timeout: 50 })
  t.same(missing, ['gateway'])
})
