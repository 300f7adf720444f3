import { rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { openAccess } from '../../../src/tenants/tokens.ts'
import { accessFolder, storedToken } from '../../integration/server/fixture.ts'

const log = () => {}

t.test('a server without a token does not start', async t => {
  const { folder, write } = accessFolder(t, { tokens: [] })
  t.throws(() => openAccess({ folder, withoutToken: false, log }), { message: /has no token/ })
  t.match(openAccess({ folder, withoutToken: true, log }).anyone(), { tenant: { name: 'main' } })
  write({ tokens: [storedToken('a', 'x', { tenant: 'unknown' })] })
  t.throws(() => openAccess({ folder, withoutToken: false, log }), { message: /has no token/ })
})

t.test('a missing, linked or broken file stops the start, and is not quoted', async t => {
  const { folder } = accessFolder(t)
  const path = join(folder, 'tokens.json')
  const opened = () => openAccess({ folder, withoutToken: false, log })
  t.equal(opened().anyone(), null, 'with tokens, nobody comes without one')
  writeFileSync(path, '{"version":1,"tokens":[{"name":"a","sha256":"secret-in-place"}]}')
  t.throws(opened, { message: /^(?!.*secret-in-place).*not valid/ })
  rmSync(path)
  t.throws(opened, { message: /missing/ })
  symlinkSync('/etc/passwd', path)
  t.throws(opened, { message: /not a regular file/ })
})

t.test('the files are looked at again after a pause, and not on every request', async t => {
  let now = 0
  const { folder, write } = accessFolder(t, { tokens: [storedToken('a', 'first')] })
  const access = openAccess({ folder, withoutToken: false, log, now: () => now })
  write({ tokens: [storedToken('b', 'second')] })
  t.equal(access.find('second'), null)
  now = 200
  t.match(access.find('second'), { token: { name: 'b' } })
  t.equal(access.find('first'), null)
})
