import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { StoredToken, Tenant } from '../../../src/config/tenants.ts'
import { findWorkspace, maySee, relativePath } from '../../../src/tenants/workspace.ts'

const caller = (workspaces?: string[]) => ({
  tenant: Tenant.parse({ name: 'main' }),
  token: StoredToken.parse({
    name: 'ci',
    tenant: 'main',
    sha256: 'a'.repeat(64),
    createdAt: '2026-11-29T00:00:00Z',
    workspaces,
  }),
})
const outside = { message: 'path outside root workspace' }
const absent = { message: /^workspace not found: / }

t.test('the spellings of a folder are one path below the root', async t => {
  for (const words of ['a', '/a', '//a', 'a/', './a', 'a/.', 'b/../a', '/./a//']) {
    t.equal(relativePath(words), 'a', words)
  }
  for (const words of ['', '/', '.', './', 'a/..']) t.equal(relativePath(words), '', words)
  t.equal(relativePath('a//b/'), 'a/b')
  t.equal(relativePath('..a/...'), '..a/...', 'dots are part of a name')
  for (const words of ['..', '../a', '/..', 'a/../..', 'a/../../main-evil', '/../../etc']) {
    t.throws(() => relativePath(words), outside, words)
  }
  t.throws(() => relativePath('a\0'), absent)
})

t.test('a token knows of the runs in its workspaces alone', async t => {
  t.ok(maySee(caller(), '/workspaces'))
  t.ok(maySee(caller(), '/workspaces/a/b'))
  t.ok(maySee(caller(['a']), '/workspaces/a/b'))
  for (const path of ['/workspaces', '/workspaces/b', '/workspaces/ab', '/workspaces/b/a']) {
    t.notOk(maySee(caller(['a']), path), path)
  }
})

t.test('the workspaces of conversations are open to their own token alone', async t => {
  const root = '/workspaces/.openai'
  for (const given of [caller(), caller(['a']), caller(['.openai'])]) {
    t.ok(maySee(given, `${root}/ci/chat-1`))
    for (const path of [root, `${root}/other/chat-1`, `${root}/ci2`, `${root}/c`]) {
      t.notOk(maySee(given, path), path)
    }
  }
  await t.rejects(findWorkspace('.openai/other/chat-1', caller(), '/nonexistent'), absent)
})

t.test('a workspace is a real folder of the tenant', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'server-workspace-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const path of ['main/a/b', 'main-evil', 'other/c']) {
    mkdirSync(join(folder, path), { recursive: true })
  }
  writeFileSync(join(folder, 'main/file'), '')
  symlinkSync('../other/c', join(folder, 'main/c'))
  symlinkSync('a', join(folder, 'main/d'))
  symlinkSync('../main-evil', join(folder, 'main/a/e'))
  const find = (words: string | undefined, workspaces?: string[]) =>
    findWorkspace(words, caller(workspaces), folder)

  t.equal(await find(undefined), '/workspaces')
  t.equal(await find('/'), '/workspaces')
  t.equal(await find('a/b'), '/workspaces/a/b')
  t.equal(await find(undefined, ['a']), '/workspaces/a')
  t.equal(await find('/', ['a']), '/workspaces/a')
  t.equal(await find('a/b', ['a']), '/workspaces/a/b')
  for (const words of ['x', 'file', 'c', 'd', 'a/e', 'd/b', 'other/c']) {
    await t.rejects(find(words), absent, words)
  }
  await t.rejects(find('../main-evil'), outside)
  await t.rejects(find('a', ['b']), absent, 'as if it did not exist')
  await t.rejects(find(undefined, ['b']), absent)
  await t.rejects(find(undefined, ['a', 'b']), { message: 'workspace required: one of a, b' })
  await t.rejects(find('x\n\x1b[2Jy'), { message: /^[\x20-\x7e]+$/ })
})
