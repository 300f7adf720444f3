import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { findWorkspace } from '../../../src/runner/workspace.ts'

const root = t.testdir({
  workspace: {},
  workspaces: { a: { b: {} } },
  'workspaces-evil': { deep: {} },
})
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

t.test('the workspace, /workspaces and each folder below it are accepted', async t => {
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
  const whole = await findWorkspace(places.workspaces, places)
  t.match(whole, { path: places.workspaces })
  const deep = await findWorkspace(join(places.workspaces, 'a/b'), places)
  t.match(deep, { path: join(places.workspaces, 'a/b') })
  t.same(await findWorkspace(join(places.workspaces, 'a/..'), places), whole)
  t.equal(new Set([whole, a, deep].map(({ home }) => home)).size, 3, 'each with its own home')
  t.equal(new Set([whole, a, deep].map(({ temporary }) => temporary)).size, 3)
})

for (const path of [
  'workspaces/a/../../workspaces-evil',
  'workspaces-evil',
  'workspaces/out',
  'workspaces/out/deep',
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
