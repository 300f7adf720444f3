import { join } from 'node:path'
import t from 'tap'
import { exec } from '../../../src/process/exec.ts'
import { readWorkspaceFile } from '../../../src/workspace/read-workspace-file.ts'

t.test('a file, none, and our placeholder in its place', async t => {
  const folder = t.testdir({ file: 'text', folder: {} })
  t.equal(await readWorkspaceFile(folder, 'file', 4), 'text')
  t.equal(await readWorkspaceFile(folder, 'nowhere', 4), null)
  t.equal(await readWorkspaceFile(folder, 'folder', 4), null)
})

t.test('what an agent may have put there', async t => {
  const folder = t.testdir({
    link: t.fixture('symlink', '/etc/passwd'),
    large: 'more than four',
    binary: Buffer.from([0xff, 0xfe]),
  })
  await exec('mkfifo', [join(folder, 'pipe')])
  const refused = (name: string, message: RegExp) =>
    t.rejects(readWorkspaceFile(folder, name, 4), { message })
  await refused('link', /is a symlink/)
  await refused('large', /holds more than 4 bytes/)
  await refused('binary', /is not UTF-8/)
  await refused('pipe', /is not a regular file/)
})
