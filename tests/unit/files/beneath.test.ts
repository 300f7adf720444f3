import { realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { confinedPath, isBelow, isWithin, overlaps } from '../../../src/files/beneath.ts'

t.test('a folder contains itself and what is below it, not what begins like it', async t => {
  for (const [folder, path, within, below] of [
    ['/a/b', '/a/b', true, false],
    ['/a/b', '/a/b/c', true, true],
    ['/a/b', '/a/bc', false, false],
    ['/a/b', '/a', false, false],
    ['/', '/', true, false],
    ['/', '/a', true, true],
    ['a', 'a/b', true, true],
  ] as const) {
    t.equal(isWithin(folder, path), within, `${path} within ${folder}`)
    t.equal(isBelow(folder, path), below, `${path} below ${folder}`)
  }
  t.ok(overlaps('/a/b', '/a'))
  t.ok(overlaps('/a', '/a/b'))
  t.notOk(overlaps('/a/b', '/a/c'))
})

t.test('a path is confined by where it really is', async t => {
  const root = realpathSync(t.testdir({ folder: { file: '' }, folderish: { file: '' } }))
  const folder = join(root, 'folder')
  symlinkSync('../folderish/file', join(folder, 'out'))
  symlinkSync('file', join(folder, 'in'))
  symlinkSync('nowhere', join(folder, 'broken'))
  t.equal(await confinedPath(folder, join(folder, 'in')), join(folder, 'file'))
  for (const name of ['out', 'broken', 'missing', '.', '..']) {
    t.equal(await confinedPath(folder, join(folder, name)), null, name)
  }
})
