// on disk: a folder below /dev is refused as a workspace
import { chown, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { exec } from '../../../src/process/exec.ts'
import {
  type OwnPlaces,
  openWorkspace,
  readWorkspaceFile,
} from '../../../src/workspace/workspace.ts'

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

const checkout: OwnPlaces = {
  checkout: '/opt/claude-secure',
  secrets: ['/var/lib/claude-secure/stacks'],
  socket: '/srv/engine/docker.sock',
}

t.test('a folder of a user is mounted, and the agent gets his uid', async t => {
  const path = t.testdir({})
  await chown(path, 4242, 4243)
  t.match(await openWorkspace(path, 'auto', checkout), {
    mode: 'mount',
    agent: { uid: 4242, gid: 4243 },
  })
})

t.test('a folder of root is opened as a copy, by an agent who is not root', async t => {
  const path = t.testdir({})
  await chown(path, 0, 0)
  t.match(await openWorkspace(path, 'auto', checkout), {
    mode: 'copy',
    copyReason: 'it is owned by root',
    agent: { uid: 1000 },
  })
  await t.rejects(openWorkspace(path, 'mount', checkout), { message: /belongs to root/ })
})

t.test(
  'a copy belongs to the owner of its folder, and an older copy to whom it was made for',
  async t => {
    const path = t.testdir({})
    await chown(path, 4242, 4243)
    const agent = { uid: 4242, gid: 4243 }
    t.match(await openWorkspace(path, 'copy', checkout), { mode: 'copy', agent })
    const old = { copyExists: true, copyOwner: null }
    t.match(await openWorkspace(path, 'copy', checkout, old), { agent: { uid: 1000, gid: 1000 } })
    t.match(await openWorkspace(path, 'mount', checkout, old), { mode: 'mount', agent })
    await chown(path, 7, 7)
    const known = { copyExists: true, copyOwner: agent }
    t.match(await openWorkspace(path, 'auto', checkout, known), { mode: 'copy', agent })
  },
)

t.test('a folder of root is not mounted by --mount either', async t => {
  const path = t.testdir({})
  await chown(path, 0, 0)
  await t.rejects(openWorkspace(path, 'mount', checkout, { mountGiven: true }), {
    message: /belongs to root and --mount was given/,
    hint: /^omit --mount/,
  })
})

t.test("the agent never has root's group either", async t => {
  const path = t.testdir({})
  await chown(path, 4242, 0)
  t.match(await openWorkspace(path, 'mount', checkout), { agent: { uid: 4242, gid: 4242 } })
})

t.test('folders that are more than a project are refused', async t => {
  for (const path of ['/', homedir(), '/etc', '/usr/lib', '/proc/self']) {
    await t.rejects(openWorkspace(path, 'copy', checkout), { name: 'UserError' }, path)
  }
})

t.test('folders that all users share are refused', async t => {
  for (const path of ['/home', '/tmp', '/var', '/var/tmp']) {
    const message = `${path} holds more than a project`
    await t.rejects(openWorkspace(path, 'copy', checkout), { message }, path)
  }
})

t.test('the home of another user is refused, a project beside it is not', async t => {
  const home = await mkdtemp('/home/claude-secure-test-')
  t.teardown(() => rm(home, { recursive: true }))
  t.match(await openWorkspace(home, 'copy', checkout), { mode: 'copy' })
  await mkdir(join(home, '.ssh'))
  const message = /is the whole home folder of a user/
  await t.rejects(openWorkspace(home, 'copy', checkout), { message })
})

t.test('the checkout of claude-secure is not mounted, nor a folder in or above it', async t => {
  const root = t.testdir({ tool: { src: {} } })
  for (const path of [root, join(root, 'tool'), join(root, 'tool/src')])
    await chown(path, 4242, 4242)
  const tool = join(root, 'tool')
  const own = { checkout: tool, secrets: [] }
  for (const path of [root, tool, join(tool, 'src')]) {
    await t.rejects(openWorkspace(path, 'mount', own), { message: /holds claude-secure itself/ })
    t.match(await openWorkspace(path, 'copy', own), { mode: 'copy' })
  }
})

t.test('folders with our credentials or the socket of the engine are not mounted', async t => {
  const root = t.testdir({ state: { stacks: {} }, engine: {} })
  for (const name of ['state', 'state/stacks', 'engine']) await chown(join(root, name), 4242, 4242)
  const own = {
    checkout: '/x',
    secrets: [join(root, 'state/stacks')],
    socket: join(root, 'engine/docker.sock'),
  }
  await t.rejects(openWorkspace(join(root, 'state'), 'mount', own), {
    message: /holds the credentials/,
  })
  await t.rejects(openWorkspace(join(root, 'state/stacks'), 'mount', own), {
    message: /holds the credentials/,
  })
  await t.rejects(openWorkspace(join(root, 'engine'), 'mount', own), {
    message: /holds the socket/,
  })
})

t.test('a folder that was opened as a copy stays one, unless told otherwise', async t => {
  const path = t.testdir({})
  await chown(path, 4242, 4242)
  const again = { copyExists: true }
  t.match(await openWorkspace(path, 'auto', checkout, again), {
    mode: 'copy',
    copyReason: 'it was opened as a copy before',
  })
  t.match(await openWorkspace(path, 'mount', checkout, again), { mode: 'mount' })
})

t.test('a symbolic link and its target are the same workspace', async t => {
  const root = t.testdir({ real: {} })
  await symlink(join(root, 'real'), join(root, 'link'))
  const [a, b] = await Promise.all(
    ['real', 'link'].map(name => openWorkspace(join(root, name), 'copy', checkout)),
  )
  t.equal(a?.path, b?.path)
})

t.test('a name with control characters is refused', async t => {
  const path = join(t.testdir({}), 'a\nb')
  await mkdir(path)
  await t.rejects(openWorkspace(path, 'copy', checkout), { message: /control characters/ })
})
