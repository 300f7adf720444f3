import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { stateFolder, writeCredential } from '../../../src/stack/state/state-folder.ts'
import { forgetSecret } from '../../../src/stack/stop.ts'

const { uid, gid } = statSync(import.meta.filename)

function folderOf(t: Test) {
  const folder = { ...stateFolder('s', t.testdir({})) }
  const path = t.testdirName
  return { ...folder, path, credential: join(path, 'credential.json') }
}

t.test('the secret goes, the placeholder, mode and owner stay', async t => {
  const folder = folderOf(t)
  const given = { kind: 'oauth-token', secret: 'sk-ant-oat01-real', placeholder: 'held' } as const
  await writeCredential(folder, given, { uid, gid })
  const before = statSync(folder.credential)
  await forgetSecret(folder)
  const text = readFileSync(folder.credential, 'utf8')
  t.notMatch(text, /real/)
  t.match(JSON.parse(text), { kind: 'oauth-token', placeholder: 'held' })
  const { mode, uid: owner, ino } = statSync(folder.credential)
  t.same({ mode, owner, ino }, { mode: before.mode, owner: before.uid, ino: before.ino })
})

t.test('a file that cannot be parsed is removed: it may hold a secret', async t => {
  const folder = folderOf(t)
  writeFileSync(folder.credential, '{"secret":"sk-ant-oat01-real"')
  await forgetSecret(folder)
  t.notOk(existsSync(folder.credential))
})

t.test('a missing file and a symlink are left alone', async t => {
  const folder = folderOf(t)
  await forgetSecret(folder)
  t.notOk(existsSync(folder.credential))
  writeFileSync(join(folder.path, 'elsewhere'), 'mine')
  symlinkSync(join(folder.path, 'elsewhere'), folder.credential)
  await forgetSecret(folder)
  t.equal(readFileSync(join(folder.path, 'elsewhere'), 'utf8'), 'mine')
})
