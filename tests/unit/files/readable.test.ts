import { chmodSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeReadable, makeTreeReadable } from '../../../src/files/readable.ts'

t.test('a closed tree is opened for reading, and no further', async t => {
  const folder = t.testdir({ in: {}, outside: 'x' })
  const path = join(folder, 'in')
  mkdirSync(join(path, 'sub'))
  writeFileSync(join(path, 'sub/data'), '')
  writeFileSync(join(path, 'sub/tool'), '')
  symlinkSync(join(folder, 'outside'), join(path, 'link'))
  chmodSync(join(path, 'sub/data'), 0o600)
  chmodSync(join(path, 'sub/tool'), 0o710)
  chmodSync(join(path, 'sub'), 0o700)
  chmodSync(join(folder, 'outside'), 0o600)
  await makeTreeReadable(path)
  const mode = (name: string) => statSync(join(folder, name)).mode & 0o7777
  t.same(['in/sub', 'in/sub/data', 'in/sub/tool'].map(mode), [0o755, 0o644, 0o755])
  t.equal(mode('outside'), 0o600, 'a symlink leads nowhere')
})

t.test('what cannot be opened is an error', async t => {
  await t.rejects(makeReadable('/proc/self/mem'), { code: 'EPERM' })
  await t.rejects(makeReadable(join(t.testdir(), 'missing')), { code: 'ENOENT' })
})
