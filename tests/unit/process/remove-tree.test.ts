import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { removeTree } from '../../../src/process/remove-tree.ts'
import { deepFolder } from '../../support/deep-folder.ts'
import { reachable } from '../../support/reachable-folder.ts'

t.test('closed folders at any depth are removed, and targets of symlinks stay', async t => {
  const top = await reachable(t, t.testdir({ state: { withdrawn: {} }, outside: { file: 'kept' } }))
  const root = join(top, 'state')
  deepFolder(
    join(root, 'withdrawn'),
    'ln -s ../outside link; mkdir shut; touch shut/x; chmod 0 shut',
  )
  execFileSync('sh', ['-c', 'ln -s ../outside link; mkdir shut; touch shut/x; chmod 0111 shut'], {
    cwd: root,
  })
  const isRoot = process.geteuid?.() === 0
  // Root enters every folder.
  if (isRoot) execFileSync('chown', ['-R', '65534', root])
  if (isRoot) execFileSync('chown', ['65534', top])
  if (isRoot) process.seteuid?.(65_534)
  try {
    await removeTree(root)
  } finally {
    if (isRoot) process.seteuid?.(0)
  }
  t.notOk(existsSync(root))
  t.equal(readFileSync(join(top, 'outside/file'), 'utf8'), 'kept')
  await removeTree(join(top, 'missing'))
})

t.test('what cannot be removed is an error', async t => {
  await t.rejects(removeTree('/proc/self/status'))
})
