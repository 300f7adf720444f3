import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { unusedSecret } from '../../../src/stack/credential.ts'
import { forgetCredential, forgetSecrets, stacksWithSecrets } from '../../../src/stack/secrets.ts'
import { writeCredential } from '../../../src/stack/state/credential-file.ts'
import { stateFolder } from '../../../src/stack/state/state-folder.ts'

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
  await forgetCredential(folder)
  const text = readFileSync(folder.credential, 'utf8')
  t.notMatch(text, /real/)
  t.match(JSON.parse(text), { kind: 'oauth-token', placeholder: 'held' })
  const { mode, uid: owner, ino } = statSync(folder.credential)
  t.same({ mode, owner, ino }, { mode: before.mode, owner: before.uid, ino: before.ino })
})

t.test('the placeholders and keys of tenants stay too', async t => {
  const folder = folderOf(t)
  const callers = [
    { tenant: 'blue', placeholder: 'held-by-blue', meterKey: 'k', budget: { usdPerDay: 5 } },
  ]
  const given = { kind: 'api-key', secret: 'sk-real', placeholder: 'held', callers } as const
  await writeCredential(folder, { ...given, callers }, { uid, gid })
  await forgetCredential(folder)
  const text = readFileSync(folder.credential, 'utf8')
  t.notMatch(text, /real/)
  t.same(JSON.parse(text).callers, callers)
})

t.test(
  'the tokens for repositories go too, in a mode without a credential of the model',
  async t => {
    const root = t.testdir({})
    const folder = stateFolder('s', root)
    mkdirSync(folder.path, { recursive: true })
    const git = {
      repositories: [{ host: 'git.test', path: 'me/app', push: true }],
      tokens: [{ host: 'git.test', user: 'me', token: 'THE-TOKEN' }],
    }
    const given = { kind: 'oauth-token', secret: unusedSecret, placeholder: 'held', git } as const
    await writeCredential(folder, given, { uid, gid })
    t.same(await stacksWithSecrets(root), ['s'])
    await forgetCredential(folder)
    t.notMatch(readFileSync(folder.credential, 'utf8'), /THE-TOKEN/)
    t.same(await stacksWithSecrets(root), [])
  },
)

t.test('a file that cannot be parsed is removed: it may hold a secret', async t => {
  const folder = folderOf(t)
  writeFileSync(folder.credential, '{"secret":"sk-ant-oat01-real"')
  await forgetCredential(folder)
  t.notOk(existsSync(folder.credential))
})

t.test('a missing file and a symlink are left alone', async t => {
  const folder = folderOf(t)
  await forgetCredential(folder)
  t.notOk(existsSync(folder.credential))
  writeFileSync(join(folder.path, 'elsewhere'), 'mine')
  symlinkSync(join(folder.path, 'elsewhere'), folder.credential)
  await forgetCredential(folder)
  t.equal(readFileSync(join(folder.path, 'elsewhere'), 'utf8'), 'mine')
})

t.test('everything goes that a start writes and that may hold a secret', async t => {
  const root = t.testdir({})
  const folder = stateFolder('s', root)
  for (const path of [folder.path, folder.parent, folder.authorities, folder.usage]) {
    mkdirSync(path, { recursive: true })
  }
  const secret = 'THE-SECRET'
  for (const name of ['stack.yaml', 'mcp.json', 'ssh-0', 'ssh-0.pub', 'parent/parent.conf']) {
    writeFileSync(join(folder.path, name), secret)
  }
  for (const name of ['identity.json', 'settings.env'])
    writeFileSync(join(folder.path, name), 'kept')
  const given = {
    kind: 'aws-key',
    secret,
    placeholder: 'held',
    accessKeyId: 'AKIA',
    sessionToken: secret,
  } as const
  await writeCredential(folder, given, { uid, gid })
  await forgetSecrets(folder)
  t.same(readdirSync(folder.path).sort(), [
    'credential.json',
    'identity.json',
    'settings.env',
    'usage',
  ])
  t.notMatch(readFileSync(folder.credential, 'utf8'), /THE-SECRET|AKIA/)
})

t.test('stop --all finds the stacks that hold a secret and have no containers', async t => {
  const root = t.testdir({})
  for (const name of ['held', 'forgotten', 'empty']) {
    const folder = stateFolder(name, root)
    mkdirSync(folder.path, { recursive: true })
    if (name === 'empty') continue
    await writeCredential(folder, { kind: 'api-key', secret: 'x', placeholder: 'y' }, { uid, gid })
    if (name === 'forgotten') await forgetSecrets(folder)
  }
  t.same(await stacksWithSecrets(root), ['held'])
  t.same(await stacksWithSecrets(join(root, 'missing')), [])
})
