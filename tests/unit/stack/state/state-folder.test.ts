import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { readCredential, writeCredential } from '../../../../src/stack/state/credential-file.ts'
import {
  makeStateFolder,
  makeUsageFolder,
  stateFolder,
} from '../../../../src/stack/state/state-folder.ts'

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
  'the folder of the counts is for the gateway alone, also where it was otherwise',
  async t => {
    const folder = stateFolder('stack', t.testdir({}))
    await makeStateFolder(folder)
    await makeUsageFolder(folder, reader)
    await chmod(folder.usage, 0o755)
    await writeFile(join(folder.usage, 'kept'), '')
    await makeUsageFolder(folder, reader)
    const { mode, uid } = await stat(folder.usage)
    t.equal(mode & 0o777, 0o700)
    t.equal(uid, reader.uid)
    t.ok(await stat(join(folder.usage, 'kept')))
  },
)

t.test('a link in place of that folder is not followed', async t => {
  const root = t.testdir({ elsewhere: {} })
  const folder = stateFolder('stack', root)
  await makeStateFolder(folder)
  await symlink(join(root, 'elsewhere'), folder.usage)
  await t.rejects(makeUsageFolder(folder, reader), { name: 'UserError' })
})
