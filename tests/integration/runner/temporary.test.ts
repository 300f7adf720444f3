import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { emptyTemporary } from '../../../src/runner/temporary.ts'
import { childProgram } from '../../support/child-program.ts'
import { deepFolder } from '../../support/deep-folder.ts'
import { reachable } from '../../support/reachable-folder.ts'

t.test('the folder is empty at once, and its old content is removed', async t => {
  const home = t.testdir({ '.tmp': { built: 'x', deep: { er: { file: 'x' } } }, kept: 'x' })
  const folder = join(home, '.tmp')
  chmodSync(join(folder, 'deep/er'), 0)
  const removed = emptyTemporary(folder)
  t.same(readdirSync(folder), [])
  t.equal(lstatSync(folder).mode & 0o777, 0o700)
  await removed
  t.same(readdirSync(home).sort(), ['.tmp', 'kept'])
})

t.test('a missing folder is created, and an interrupted removal is completed', async t => {
  const home = t.testdir({ '.tmp.old-1-2': { a: 'x' } })
  await emptyTemporary(join(home, '.tmp'))
  t.same(readdirSync(home), ['.tmp'])
})

t.test('a symlink in its place is replaced, and its target stays', async t => {
  const home = t.testdir({ elsewhere: { file: 'x' } })
  symlinkSync(join(home, 'elsewhere'), join(home, '.tmp'))
  mkdirSync(join(home, '.tmp.old-1'))
  symlinkSync(join(home, 'elsewhere'), join(home, '.tmp.old-1/link'))
  symlinkSync(join(home, 'elsewhere'), join(home, '.tmp.old-2'))
  chmodSync(join(home, 'elsewhere'), 0o500)
  await emptyTemporary(join(home, '.tmp'))
  t.ok(lstatSync(join(home, '.tmp')).isDirectory())
  t.ok(existsSync(join(home, 'elsewhere/file')))
  t.equal(lstatSync(join(home, 'elsewhere')).mode & 0o777, 0o500)
  t.same(readdirSync(home).sort(), ['.tmp', 'elsewhere'])
})

t.test('a home that cannot hold the folder does not fail the start', async t => {
  const home = t.testdir({ file: 'x' })
  writeFileSync(join(home, 'file'), 'y')
  await emptyTemporary(join(home, 'file/.tmp'))
  t.equal(lstatSync(join(home, 'file')).isFile(), true)
})

t.test('folders nested deeper than any path reaches are removed, also closed ones', async t => {
  const home = await reachable(t, t.testdir({ '.tmp': {} }))
  deepFolder(join(home, '.tmp'), 'mkdir -p shut/in; chmod 0 shut')
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', '65534', home])
  const program = `import { emptyTemporary } from '${join(import.meta.dirname, '../../../src/runner/temporary.ts')}'
    // The removal itself does not keep its program alive.
    const alive = setInterval(() => {}, 1_000)
    await emptyTemporary('${join(home, '.tmp')}')
    clearInterval(alive)`
  const user = process.getuid?.() === 0 ? { uid: 65_534 } : {}
  execFileSync(process.execPath, [await childProgram(t, program)], user)
  t.same(readdirSync(home), ['.tmp'])
  t.same(readdirSync(join(home, '.tmp')), [])
})
