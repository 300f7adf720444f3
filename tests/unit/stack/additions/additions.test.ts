// on disk: a folder below /dev is refused
import { chmod, lstat, readdir, readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import {
  additionMounts,
  additionsHash,
  findAdditionsFolder,
  findBin,
  noAdditions,
  writeAdditionFiles,
} from '../../../../src/stack/additions/additions.ts'
import { stateFolder } from '../../../../src/stack/state/state-folder.ts'

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

t.test('bin is readable for the agent with any umask', async t => {
  const folder = t.testdir({ bin: { tool: '', in: { lib: '' } } })
  const modes = async () =>
    Promise.all(
      ['bin', 'bin/tool', 'bin/in', 'bin/in/lib'].map(
        async path => (await lstat(join(folder, path))).mode & 0o777,
      ),
    )
  const close = async () => {
    for (const path of ['bin', 'bin/tool', 'bin/in']) await chmod(join(folder, path), 0o700)
    await chmod(join(folder, 'bin/in/lib'), 0o600)
  }
  const { getuid = () => 0, getgid = () => 0 } = process
  const me = { uid: getuid(), gid: getgid() }
  await close()
  t.equal(await findBin(folder, me), join(folder, 'bin'))
  t.same(await modes(), [0o700, 0o700, 0o700, 0o600], 'the agent is the owner: nothing changes')
  t.equal(await findBin(folder, { uid: 4242, gid: 4242 }), join(folder, 'bin'))
  t.same(await modes(), [0o755, 0o755, 0o755, 0o644])
  t.equal(await findBin(t.testdir({}), me), null)
  const linked = t.testdir({ bin: t.fixture('symlink', '/usr/bin') })
  await t.rejects(findBin(linked, me), { message: /bin is not a folder/ })
})

const { getuid = () => 0, getgid = () => 0 } = process
const agent = { uid: getuid() || 4242, gid: getgid() || 4242 }
const file = { name: 'prompt.md', target: '/etc/claude-secure/prompt.md', text: 'be brief' }

t.test('generated files are readable for the agent, whoever he is', async t => {
  const path = t.testdir({})
  const state = { ...stateFolder('x', path), path }
  await writeAdditionFiles(state, { ...noAdditions, files: [file] }, agent)
  t.equal(await readFile(join(path, 'prompt.md'), 'utf8'), 'be brief')
  t.equal((await stat(join(path, 'prompt.md'))).mode & 0o777, 0o644)
})

t.test('what is ours is read-only, what is declared is as it was declared', async t => {
  const custom = {
    ...noAdditions,
    declared: [{ source: '/data', target: '/mnt/data', writable: true }],
    folders: [{ source: '/c/bin', target: '/etc/claude-secure/custom/bin' }],
    files: [file],
  }
  t.same(additionMounts({ path: '/s' }, custom), [
    { source: '/data', target: '/mnt/data', writable: true },
    { source: '/c/bin', target: '/etc/claude-secure/custom/bin', writable: false },
    { source: '/s/prompt.md', target: file.target, writable: false },
  ])
})

t.test('another text of a file is another stack', async t => {
  const hash = (text: string) => additionsHash({ ...noAdditions, files: [{ ...file, text }] })
  t.equal(hash('a'), hash('a'))
  t.not(hash('a'), hash('b'))
})

t.test('another allowlist is the same stack, whose git sees the hosts at once', async t => {
  const path = t.testdir({})
  const state = { ...stateFolder('x', path), path }
  const withHosts = (gitHosts: string[]) => ({ ...noAdditions, gitHosts })
  t.equal(additionsHash(withHosts([])), additionsHash(withHosts(['git.test'])))
  t.same(additionMounts({ path: '/s' }, withHosts([])), [
    { source: '/s/git', target: '/etc/claude-secure/git', writable: false },
  ])
  await writeAdditionFiles(state, withHosts(['git.test']), agent)
  t.match(await readFile(join(path, 'git/hosts.gitconfig'), 'utf8'), 'insteadOf = git@git.test:')
  await writeAdditionFiles(state, withHosts([]), agent)
  t.equal(await readFile(join(path, 'git/hosts.gitconfig'), 'utf8'), '')
})

t.test('a key is for the agent alone, and goes when it is his no more', async t => {
  const path = t.testdir({})
  const state = { ...stateFolder('x', path), path }
  const key = { name: 'ssh-id_x', target: '/etc/claude-secure/ssh/id_x', text: 'key', secret: true }
  await writeAdditionFiles(state, { ...noAdditions, files: [key, file] }, agent)
  const { mode, uid } = await stat(join(path, 'ssh-id_x'))
  t.equal(mode & 0o777, 0o400)
  t.equal(uid, agent.uid)
  await writeAdditionFiles(state, { ...noAdditions, files: [file] }, agent)
  t.same(await readdir(path), ['prompt.md'])
})
