import t from 'tap'
import { unlessGone } from '../../../../src/workspace/copy/read-file.ts'

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
