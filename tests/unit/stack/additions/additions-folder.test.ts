import { chmod } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { findAdditionsFolder, findBin } from '../../../../src/stack/additions/additions-folder.ts'

const own = [{ path: '/srv/workspace', what: 'a part of the workspace' }]
const named = { named: true, own }

t.test('the real path of the folder; the default one may be missing', async t => {
  const folder = t.testdir({ custom: {}, link: t.fixture('symlink', 'custom') })
  t.equal(await findAdditionsFolder(join(folder, 'link'), named), join(folder, 'custom'))
  t.equal(await findAdditionsFolder('/nowhere/at/all', { named: false, own }), null)
  await t.rejects(findAdditionsFolder('/nowhere/at/all', named), {
    message: /cannot be read: ENOENT/,
  })
})

t.test('a place that an agent could write, or that holds more than additions', async t => {
  const folder = t.testdir({ file: '', link: t.fixture('symlink', '/etc') })
  for (const [path, message] of [
    ['/', /holds your whole home folder/],
    [homedir(), /holds your whole home folder/],
    [join(folder, 'link'), /operating system/],
    [join(folder, 'file'), /it is not a folder/],
  ] as const) {
    await t.rejects(findAdditionsFolder(path, named), { message })
  }
  await t.rejects(
    findAdditionsFolder(folder, {
      named: true,
      own: [{ path: folder, what: 'a part of the workspace' }],
    }),
    { message: /a part of the workspace/ },
  )
})

t.test('bin is a folder that the agent can look into', async t => {
  const folder = t.testdir({ bin: {} })
  const { getuid = () => 0, getgid = () => 0 } = process
  const me = { uid: getuid(), gid: getgid() }
  const stranger = { uid: 4242, gid: 4242 }
  await chmod(join(folder, 'bin'), 0o700)
  t.equal(await findBin(folder, me), join(folder, 'bin'))
  await t.rejects(findBin(folder, stranger), { message: /uid 4242/, hint: /chmod -R a\+rX/ })
  await chmod(join(folder, 'bin'), 0o755)
  t.equal(await findBin(folder, stranger), join(folder, 'bin'))
  t.equal(await findBin(t.testdir({}), me), null)
  const linked = t.testdir({ bin: t.fixture('symlink', '/usr/bin') })
  await t.rejects(findBin(linked, me), { message: /bin is not a folder/ })
})
