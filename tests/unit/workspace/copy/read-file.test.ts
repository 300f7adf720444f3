import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { holdFile, letGo, unlessGone } from '../../../../src/workspace/copy/read-file.ts'

const failing = (code: string) => () => {
  throw Object.assign(new Error(`${code}: at /proc/self/fd/3/x`), { code })
}

t.test('a path that is gone or another kind is null, and other failures name the path', async t => {
  t.equal(
    unlessGone('x', () => 1),
    1,
  )
  for (const code of ['ENOENT', 'ENOTDIR', 'ELOOP']) t.equal(unlessGone('x', failing(code)), null)
  t.throws(() => unlessGone('src/\x1b[2Jx', failing('EACCES')), {
    message: /^cannot copy src\/.*x: EACCES$/,
    hint: /--exclude/,
  })
  t.throws(() => unlessGone('x', failing('EACCES')), { message: /^[^\x1b]*$/ })
  t.throws(
    () =>
      unlessGone('x', () => {
        throw new Error('a bug')
      }),
    { message: 'a bug' },
  )
})

t.test(
  'a file is judged when it is open: another may have taken its place since it was listed',
  async t => {
    const path = join(t.testdir({ secret: 'of root' }), 'secret')
    chmodSync(path, 0o600)
    const { uid } = statSync(path)
    t.equal(holdFile(path, 'secret', { uid: uid + 1, gids: [] }), null)
    const held = holdFile(path, 'secret', { uid, gids: [] })
    t.equal(held?.size, 7)
    if (held) letGo(held)
  },
)
