import { statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  twinParentConf,
  twinParentSquidConf,
  writeTwinFile,
} from '../../../src/audit/twin-parent.ts'
import { parseParentProxy } from '../../../src/config/parent-proxy.ts'
import { parentLogin, parentRules, renderParentConf } from '../../../src/egress/parent-conf.ts'

t.test('every user reads a file of the twin, whatever the umask', async t => {
  const folder = join(t.testdir(), 'proxy')
  const before = process.umask(0o077)
  try {
    await writeTwinFile(folder, 'squid.conf', 'text')
  } finally {
    process.umask(before)
  }
  const mode = (path: string) => statSync(path).mode & 0o777
  t.equal(mode(folder), 0o755)
  t.equal(mode(join(folder, 'squid.conf')), 0o644)
})

const settings = {
  PARENT_PROXY: 'https://us%20er:p%40ss@proxy.example',
  PARENT_PROXY_EXCEPT: 'a.example',
}
const parent = parseParentProxy({ settings, env: {} }, null)
const conf = parent ? renderParentConf(parent) : ''

t.test("the twin keeps the rules of the stack's way, and not its address or password", async t => {
  const twin = twinParentConf(conf)
  t.match(twin, /^cache_peer twin-parent parent 3128 0 no-query /)
  t.notMatch(twin, /proxy\.example|login=|tls|p%40ss/)
  for (const rule of parentRules) t.ok(twin.split('\n').includes(rule), rule)
  t.match(twin, /^acl resolved_here any-of not_through_parent$/m)
})

t.test("the twin's parent refuses one name", async t => {
  t.match(twinParentSquidConf('refused.test'), /^acl refused dstdomain -n refused\.test$/m)
})

t.test('the password can be read back, to look for it elsewhere', async t => {
  t.strictSame(parentLogin(conf), { user: 'us er', password: 'p@ss' })
  t.equal(parentLogin('cache_peer a parent 1 0 no-query\n'), null)
})
