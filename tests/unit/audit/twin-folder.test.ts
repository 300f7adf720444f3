import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { writeTwinFile } from '../../../src/audit/twin-folder.ts'

t.test('every user reads a file of the twin, whatever the umask', async t => {
  const folder = join(t.testdir(), 'proxy')
  const before = process.umask(0o077)
  try {
    await writeTwinFile(folder, 'squid.conf', 'text')
  } finally {
    process.umask(before)
  }
  const mode = (path: string) => statSync(path).mode & 0o777
  t.equal(mode(folder), 0o755)
  t.equal(mode(join(folder, 'squid.conf')), 0o644)
})
