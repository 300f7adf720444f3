import t from 'tap'
import { parseGitIdentity } from '../../../src/config/git-identity.ts'
import { Settings } from '../../../src/config/settings.ts'

t.test('a name and an address', async t => {
  const ada = { name: 'Ada Lovelace', mail: 'ada@example.com' }
  t.same(parseGitIdentity('Ada Lovelace <ada@example.com>'), ada)
  t.same(parseGitIdentity('  Ada Lovelace  <ada@example.com> '), ada)
})

t.test('what is none', async t => {
  for (const value of [
    ...['Ada', '<a@b>', 'Ada <>', 'Ada <a b>', 'A <a> <b>', 'A\x1b <a@b>', 'A\n[core] <a@b>'],
    `${'x'.repeat(257)} <a@b>`,
  ]) {
    t.equal(parseGitIdentity(value), null, JSON.stringify(value))
    t.equal(Settings.safeParse({ GIT_IDENTITY: value }).success, false)
  }
  for (const value of ['host', 'none', 'A <a@b>']) {
    t.equal(Settings.safeParse({ GIT_IDENTITY: value }).success, true)
  }
})
