import t from 'tap'
import { isAtLeast, parseVersion } from '../../../src/engine/version.ts'

t.test('versions are read as engines, plugins and distributions write them', async t => {
  t.same(parseVersion('26.1.5+dfsg1'), [26, 1, 5])
  t.same(parseVersion('v2.24.0-desktop.1'), [2, 24, 0])
  t.same(parseVersion('2.26.1-4'), [2, 26, 1])
  t.same(parseVersion('1.1.5+ds1-1+deb12u1'), [1, 1, 5])
  t.same(parseVersion('5.4\n'), [5, 4, 0])
  t.equal(parseVersion('latest'), null)
  t.equal(parseVersion(''), null)
})

t.test('numbers are compared as numbers', async t => {
  t.ok(isAtLeast([26, 0, 0], [25, 0, 5]))
  t.ok(isAtLeast([1, 1, 12], [1, 1, 12]))
  t.notOk(isAtLeast([1, 1, 9], [1, 1, 12]))
  t.notOk(isAtLeast([23, 0, 11], [25, 0, 5]))
})
