import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findWorkspace } from '../../../src/runner/workspace.ts'

const root = t.testdir({ workspace: {}, workspaces: { a: { b: {} } }, 'workspaces-evil': {} })
const places = {
  workspace: join(root, 'workspace'),
  workspaces: join(root, 'workspaces'),
  homes: '/home/claude/workspaces',
  temporary: '/tmp',
}
writeFileSync(join(root, 'workspaces/file'), '')
symlinkSync(join(root, 'workspaces-evil'), join(root, 'workspaces/out'))
symlinkSync(join(root, 'workspaces/a'), join(root, 'workspaces/alias'))
mkdirSync(join(root, 'workspaces/..dots'))

t.test('the workspace and each folder in /workspaces are accepted', async t => {
  t.match(await findWorkspace(places.workspace, places), { path: places.workspace })
  const a = await findWorkspace(join(root, 'workspaces/a'), places)
  t.equal(a.home, `/home/claude/workspaces/${a.key}`)
  t.equal(a.temporary, `/tmp/${a.key}`)
  t.match(await findWorkspace(join(root, 'workspaces/..dots'), places), { key: /^--dots-/ })
  t.equal(
    (await findWorkspace(join(root, 'workspaces/alias'), places)).path,
    a.path,
    'a link counts as what it leads to: one folder, one lease',
  )
})

for (const path of [
  'workspaces',
  'workspaces/a/b',
  'workspaces/a/../../workspaces-evil',
  'workspaces-evil',
  'workspaces/out',
  'workspaces/file',
  'workspaces/missing',
  '.',
]) {
  t.test(`refused: ${path}`, async t => {
    await t.rejects(findWorkspace(join(root, path), places), {
      message: /^cannot use .* as a workspace: /,
    })
  })
}
