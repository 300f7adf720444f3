// on disk: a folder below /dev is refused as a workspace
import { chown, lstat, mkdir, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  makeTenantFolders,
  openWorkspaces,
  ownerOfNew,
  workspacesPath,
} from '../../../../src/operations/serve/workspaces-folder.ts'

const own = { checkout: '/nowhere/checkout', secrets: ['/nowhere/secrets'] }
const isRoot = process.getuid?.() === 0
const uid = isRoot ? 4242 : (process.getuid?.() ?? 0)

t.test('a new folder belongs to the user, the caller of sudo, or an ordinary user', async t => {
  t.same(ownerOfNew({}, { uid: 1234, gid: 99 }), { uid: 1234, gid: 99 })
  const root = { uid: 0, gid: 0 }
  t.same(ownerOfNew({ SUDO_UID: '1001', SUDO_GID: '1002' }, root), { uid: 1001, gid: 1002 })
  t.same(ownerOfNew({}, root), { uid: 1000, gid: 1000 })
  t.same(ownerOfNew({ SUDO_UID: '0', SUDO_GID: '0' }, root), { uid: 1000, gid: 1000 })
  t.same(ownerOfNew({ SUDO_UID: '5x' }, root), { uid: 1000, gid: 1000 })
})

t.test('the default is in the data folder', async t => {
  t.equal(workspacesPath({}, { XDG_DATA_HOME: '/d' }), '/d/claude-secure/workspaces')
  t.equal(workspacesPath({ WORKSPACES_DIR: '/w' }, { XDG_DATA_HOME: '/d' }), '/w')
})

t.test('a missing folder is made for one user, with one folder for each tenant', async t => {
  const path = join(t.testdir({}), 'a/b')
  const opened = await openWorkspaces(path, own, { SUDO_UID: `${uid}`, SUDO_GID: `${uid}` })
  t.equal(opened.user.uid, uid)
  await makeTenantFolders(opened, ['main', 'team'])
  for (const folder of [opened.path, join(opened.path, 'main'), join(opened.path, 'team')]) {
    const stats = await lstat(folder)
    t.equal(stats.uid, uid, folder)
    t.equal(stats.mode & 0o777, 0o700, folder)
  }
  await makeTenantFolders(opened, ['main', 'team'])
})

t.test(
  'a link in the place of a tenant is refused: the engine would mount what it names',
  async t => {
    const path = join(t.testdir({ secret: { key: 'x' } }), 'w')
    const opened = await openWorkspaces(path, own, { SUDO_UID: `${uid}` })
    await symlink(join(path, '../secret'), join(opened.path, 'main'))
    await t.rejects(makeTenantFolders(opened, ['main']), { message: /main is not a folder$/ })
  },
)

t.test(
  'a folder of another user in the place of a tenant is refused',
  { skip: !isRoot && 'only root can make folders of another user' },
  async t => {
    const opened = await openWorkspaces(join(t.testdir({}), 'w'), own, { SUDO_UID: `${uid}` })
    await mkdir(join(opened.path, 'main'))
    await t.rejects(makeTenantFolders(opened, ['main']), {
      message: /main belongs to uid 0, not 4242$/,
      hint: /chown -R 4242:/,
    })
  },
)

t.test(
  'a folder of root is refused: no agent runs as root',
  { skip: !isRoot && 'only root can make folders of another user' },
  async t => {
    const path = t.testdir({})
    await t.rejects(openWorkspaces(path, own, {}), {
      message: /belongs to root, and agents never run as root$/,
      hint: /chown -R 1000:1000/,
    })
    await chown(path, uid, uid)
    t.equal((await openWorkspaces(path, own, {})).user.uid, uid)
  },
)

t.test('a folder with the checkout or its secrets is refused', async t => {
  const path = t.testdir({ inside: {} })
  if (isRoot) await chown(path, uid, uid)
  const mine = { ...own, checkout: join(path, 'inside') }
  await t.rejects(openWorkspaces(path, mine, {}), { message: /holds claude-secure itself$/ })
})
