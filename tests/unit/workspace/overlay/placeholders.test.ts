import { chmod, chown, lstat, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import {
  makePlaceholders,
  removePlaceholders,
} from '../../../../src/workspace/overlay/placeholders.ts'

const folder = { kind: 'folder' } as const
const file = { kind: 'file', content: '.' } as const
const owner = { uid: process.getuid?.() === 0 ? 4242 : (process.getuid?.() ?? 0), gid: 4242 }
const wanted = [
  { path: '.vscode', placeholder: folder },
  { path: '.husky', placeholder: folder },
  { path: '.husky/_', placeholder: folder },
  { path: '.git/commondir', placeholder: file },
]

t.test('made as the owner, and removed without a trace', async t => {
  const workspace = t.testdir({ '.git': {} })
  await makePlaceholders(workspace, wanted, owner)
  t.equal((await lstat(join(workspace, '.husky/_'))).uid, owner.uid)
  t.equal((await lstat(join(workspace, '.git/commondir'))).uid, owner.uid)
  t.equal(await readFile(join(workspace, '.git/commondir'), 'utf8'), '.')
  await removePlaceholders(workspace, wanted)
  t.same(await readdir(workspace), ['.git'])
  t.same(await readdir(join(workspace, '.git')), [])
})

t.test('what somebody put there stays', async t => {
  const workspace = t.testdir({ '.git': {} })
  await makePlaceholders(workspace, wanted, owner)
  await writeFile(join(workspace, '.vscode/settings.json'), '{}')
  await writeFile(join(workspace, '.git/commondir'), '..')
  await removePlaceholders(workspace, wanted)
  t.same((await readdir(workspace)).sort(), ['.git', '.vscode'])
  t.equal(await readFile(join(workspace, '.git/commondir'), 'utf8'), '..')
})

t.test('one in a folder that the agent closed is tried again later', async t => {
  const workspace = t.testdir({ '.git': {} })
  const places = [
    { path: '.husky', placeholder: folder },
    { path: '.husky/_', placeholder: folder },
  ]
  await makePlaceholders(workspace, places, owner)
  await chmod(join(workspace, '.husky'), 0)
  await chown(workspace, owner.uid, owner.gid)
  // Permissions do not stop root.
  const isRoot = process.getuid?.() === 0
  if (isRoot) process.seteuid?.(owner.uid)
  const left = await removePlaceholders(workspace, places).finally(() => {
    if (isRoot) process.seteuid?.(0)
  })
  t.same(left, [{ path: '.husky/_', placeholder: folder }])
  await chmod(join(workspace, '.husky'), 0o755)
  t.same(await removePlaceholders(workspace, places), [])
  t.same(await readdir(workspace), ['.git'])
})

t.test('nothing is made or removed through a link', async t => {
  const workspace = t.testdir({ elsewhere: { _: {} } })
  await symlink('elsewhere', join(workspace, '.husky'))
  const below = [{ path: '.husky/x', placeholder: folder }]
  await t.rejects(makePlaceholders(workspace, below, owner))
  t.same(await readdir(join(workspace, 'elsewhere')), ['_'])
  await removePlaceholders(workspace, [{ path: '.husky/_', placeholder: folder }])
  t.same(await readdir(join(workspace, 'elsewhere')), ['_'])
})

t.test('a place that is taken is an error, and what is there is not touched', async t => {
  const workspace = t.testdir({ '.git': { commondir: 'mine' } })
  const taken = [{ path: '.git/commondir', placeholder: file }]
  await t.rejects(makePlaceholders(workspace, taken, owner), { message: /EEXIST/, hint: /PROTECT/ })
  t.equal(await readFile(join(workspace, '.git/commondir'), 'utf8'), 'mine')
  await mkdir(join(workspace, 'x'))
})
