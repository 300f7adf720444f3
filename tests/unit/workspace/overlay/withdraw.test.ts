import { existsSync } from 'node:fs'
import { lstat, mkdtemp, readdir, readFile, readlink, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { withdraw } from '../../../../src/workspace/overlay/withdraw.ts'
import { memoryFolder } from '../../../support/memory-folder.ts'

const now = new Date('2026-01-02T03:04:05Z')
const moved = '2026-01-02T03.04.05.000Z-.mcp.json'

t.test('a file that appeared is moved as it is, and named with its new place', async t => {
  const folder = t.testdir({ work: { '.mcp.json': '{}', 'a.json': '' } })
  const to = join(folder, 'state/withdrawn')
  t.same(await withdraw(join(folder, 'work'), ['.devcontainer.json', '.mcp.json'], to, now), [
    { name: '.mcp.json', to: join(to, moved) },
  ])
  t.same(await readdir(join(folder, 'work')), ['a.json'])
  t.equal(await readFile(join(to, moved), 'utf8'), '{}')
  t.equal((await lstat(to)).mode & 0o777, 0o700)
})

t.test('a symlink is moved, and its target stays', async t => {
  const folder = t.testdir({ work: {}, outside: '{"mine":1}' })
  await symlink('../outside', join(folder, 'work/.mcp.json'))
  await withdraw(join(folder, 'work'), ['.mcp.json'], join(folder, 'to'), now)
  t.equal(await readlink(join(folder, 'to', moved)), '../outside')
  t.equal(await readFile(join(folder, 'outside'), 'utf8'), '{"mine":1}')
})

t.test('a folder of that name is not a settings file and stays', async t => {
  const folder = t.testdir({ '.mcp.json': { x: '' } })
  t.same(await withdraw(folder, ['.mcp.json'], join(folder, 'to'), now), [])
  t.ok(existsSync(join(folder, '.mcp.json/x')))
  t.notOk(existsSync(join(folder, 'to')), 'nothing is made for nothing')
})

t.test('a folder that a program obeys is moved with everything in it', async t => {
  const folder = t.testdir({ work: { '.cursor': { 'hooks.json': '{}' } } })
  const to = join(folder, 'to')
  const [found] = await withdraw(join(folder, 'work'), ['.cursor'], to, now)
  t.equal(found?.to, join(to, moved.replace('.mcp.json', '.cursor')))
  t.equal(await readFile(join(found?.to ?? '', 'hooks.json'), 'utf8'), '{}')
  t.same(await readdir(join(folder, 'work')), [])
})

t.test('to another file system, a small file is copied and another is renamed', async t => {
  const folder = t.testdir({ '.mcp.json': '{}', '.devcontainer.json': 'x'.repeat(2 * 1024 * 1024) })
  const other = await mkdtemp(join(memoryFolder(), 'withdraw-'))
  t.teardown(() => rm(other, { recursive: true }))
  const beside = join(folder, '.devcontainer.json.withdrawn-2026-01-02T03.04.05.000Z')
  const found = await withdraw(folder, ['.mcp.json', '.devcontainer.json'], other, now)
  // Where the temporary folder is itself a tmpfs, both are moved.
  t.equal(found[0]?.to, join(other, moved))
  t.equal(await readFile(join(other, moved), 'utf8'), '{}')
  t.notOk(existsSync(join(folder, '.mcp.json')))
  t.notOk(existsSync(join(folder, '.devcontainer.json')))
  const large = found[1]?.to ?? ''
  t.ok(large === beside || large.startsWith(other))
  t.equal((await lstat(large)).size, 2 * 1024 * 1024, 'nothing is lost')
})
