import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makePolicyReadable } from '../../../../src/operations/policy/policy-files.ts'
import { replaceSquidConf } from '../../../../src/operations/policy/squid-conf.ts'

const mode = (path: string) => statSync(path).mode & 0o777

t.test("a policy checked out with umask 077 is opened for the proxy's user", async t => {
  const root = t.testdir({ proxy: { 'squid.conf': 'old\n' } })
  const [folder, file] = [join(root, 'proxy'), join(root, 'proxy/squid.conf')]
  chmodSync(file, 0o600)
  chmodSync(folder, 0o700)
  await makePolicyReadable(root, { policy: join(root, 'policy') })
  t.same([mode(folder), mode(file)], [0o755, 0o644])

  const list = join(root, 'policy/grants.list')
  mkdirSync(join(root, 'policy'))
  writeFileSync(list, 'allow a.test\n', { mode: 0o600 })
  await makePolicyReadable(root, { policy: join(root, 'policy') })
  t.equal(mode(list), 0o644, "and so is the folder's own list")

  chmodSync(file, 0o600)
  await replaceSquidConf(root, 'new\n')
  t.equal(mode(file), 0o644, 'an edit keeps it so')
})

t.test('a policy that stays closed is refused, with its path', async t => {
  const root = t.testdir({ proxy: { 'squid.conf': t.fixture('symlink', '/proc/self/mem') } })
  await t.rejects(makePolicyReadable(root, { policy: join(root, 'policy') }), {
    message: /^the proxy's user cannot read .*mem: EPERM/,
    hint: /chmod a\+rX/,
  })
})
