import { mkdirSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
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
symlinkSync(places.workspace, join(root, 'workspaces/single'))
symlinkSync(places.workspace, join(root, 'link'))
mkdirSync(join(root, 'workspaces/..dots'))

t.test('the workspace, /workspaces and each folder below it are accepted', async t => {
  t.match(await findWorkspace(places.workspace, places), { path: places.workspace })
  const a = await findWorkspace(join(root, 'workspaces/a'), places)
  t.equal(a.home, `/home/claude/workspaces/${a.key}`)
  t.equal(a.temporary, `/tmp/${a.key}`)
  t.match(await findWorkspace(join(root, 'workspaces/..dots'), places), { key: /^--dots-/ })
  const whole = await findWorkspace(places.workspaces, places)
  t.match(whole, { path: places.workspaces })
  const deep = await findWorkspace(join(places.workspaces, 'a/b'), places)
  t.match(deep, { path: join(places.workspaces, 'a/b') })
  t.equal(new Set([whole, a, deep].map(({ home }) => home)).size, 3, 'each with its own home')
  t.equal(new Set([whole, a, deep].map(({ temporary }) => temporary)).size, 3)
})

t.test('the workspace of a folder stack is found through a symlink', async t => {
  t.match(await findWorkspace(join(root, 'link'), places), { path: places.workspace })
})

t.test('a folder that was exchanged for a symlink to another workspace is refused', async t => {
  const inside = join(places.workspaces, 'app/x')
  mkdirSync(inside, { recursive: true })
  mkdirSync(join(places.workspaces, 'secret'))
  t.match(await findWorkspace(inside, places), { path: inside })
  rmdirSync(inside)
  symlinkSync('../secret', inside)
  await t.rejects(findWorkspace(inside, places), { message: /a part of it is a symlink/ })
})

for (const path of [
  'workspaces/a/../../workspaces-evil',
  'workspaces-evil',
  'workspaces/out',
  'workspaces/out/deep',
  'workspaces/alias',
  'workspaces/alias/b',
  'workspaces/single',
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

for (const path of ['/a/..', '/.', '/', '/a/', '/./a', '//a']) {
  t.test(`refused: another spelling, ${path}`, async t => {
    await t.rejects(findWorkspace(`${places.workspaces}${path}`, places), {
      message: /it is not a real path/,
    })
  })
}
