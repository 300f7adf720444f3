import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { removeFolder } from '../../../../src/operations/uninstall/remove-folder.ts'

t.test('all is removed but kept paths and the folders above them', async t => {
  const folder = t.testdir({ a: { kept: { x: '' }, 'kept-not': '' }, b: '' })
  t.equal(await removeFolder(folder, [join(folder, 'a/kept')]), false)
  t.ok(existsSync(join(folder, 'a/kept/x')))
  t.notOk(existsSync(join(folder, 'a/kept-not')))
  t.notOk(existsSync(join(folder, 'b')))
  t.equal(await removeFolder(folder, []), true)
  t.notOk(existsSync(folder))
})

t.test('no symlink is followed', async t => {
  const folder = t.testdir({ target: { x: '' }, state: {} })
  symlinkSync(join(folder, 'target'), join(folder, 'state/link'))
  await removeFolder(join(folder, 'state'), [join(folder, 'state/link/x')])
  await removeFolder(join(folder, 'state'), [])
  t.ok(existsSync(join(folder, 'target/x')))
})
