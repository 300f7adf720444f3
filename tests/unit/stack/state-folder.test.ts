import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  makeStateFolder,
  readCredential,
  replaceFile,
  stateFolder,
  writeCredential,
} from '../../../src/stack/state-folder.ts'

const credential = { kind: 'api-key', secret: 'secret', placeholder: 'placeholder' } as const
const reader = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }

t.test('the folder and the credential are for their reader alone', async t => {
  const folder = stateFolder('stack', t.testdir({}))
  await makeStateFolder(folder)
  await writeCredential(folder, credential, reader)
  t.equal((await stat(folder.path)).mode & 0o777, 0o700)
  t.equal((await stat(folder.credential)).mode & 0o777, 0o400)
  t.same(await readCredential(folder), credential)
})

t.test('a new secret goes into the same file, which a running gateway has mounted', async t => {
  const folder = stateFolder('stack', t.testdir({}))
  await makeStateFolder(folder)
  await writeCredential(folder, { ...credential, secret: 'a much longer secret' }, reader)
  const before = (await stat(folder.credential)).ino
  await writeCredential(folder, credential, reader)
  t.equal((await stat(folder.credential)).ino, before)
  t.same(JSON.parse(await readFile(folder.credential, 'utf8')), credential)
})

t.test('a folder that the engine made in place of the file is cleared away', async t => {
  const folder = stateFolder('stack', t.testdir({}))
  await mkdir(folder.credential, { recursive: true })
  await writeCredential(folder, credential, reader)
  t.same(await readCredential(folder), credential)
})

t.test('a damaged file counts as none', async t => {
  const folder = stateFolder('stack', t.testdir({}))
  await makeStateFolder(folder)
  t.equal(await readCredential(folder), null)
  await writeFile(folder.credential, '{"kind":')
  t.equal(await readCredential(folder), null)
})

t.test(
  'a file that cannot be written is an error with the path, and leaves nothing half-written',
  async t => {
    const dir = t.testdir({ 'stack.yaml': {} })
    await t.rejects(replaceFile(join(dir, 'stack.yaml'), 'text'), {
      message: /cannot write .*stack.yaml/,
    })
    await t.rejects(stat(join(dir, `stack.yaml.${process.pid}.tmp`)), { code: 'ENOENT' })
  },
)
