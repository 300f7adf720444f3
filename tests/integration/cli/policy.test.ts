import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'

const script = await createControlScript(t)
const env = { DOCKER_HOST: await startFakeEngine(t, goodEngine) }
const policy = 'proxy/squid.conf'
const shipped = /^acl allowed_sites .*$/m

const edits = [
  {
    name: 'a word that is no name',
    change: (text: string) => text.replace(shipped, 'acl allowed_sites dstdomain -n ok.test;rm'),
    error: /squid\.conf line \d+: "ok\.test;rm" is not a name/,
  },
  {
    name: 'a list in a file of its own',
    change: (text: string) => text.replace(shipped, 'acl allowed_sites dstdomain -n "/etc/sites"'),
    error: /squid\.conf line \d+: .* is not a name/,
  },
  {
    name: 'a list of another type',
    change: (text: string) => text.replace(shipped, 'acl allowed_sites dst 203.0.113.1'),
    error: /squid\.conf line \d+: allowed_sites must be of type dstdomain/,
  },
  {
    name: 'a list that is missing',
    change: (text: string) => text.replace(shipped, ''),
    error: /squid\.conf has no list allowed_sites/,
  },
  {
    name: 'a policy that is somewhere else',
    change: (text: string) => `${text}include /etc/squid/conf.d/*.conf\n`,
    error: /squid\.conf line \d+: include is not supported: the whole policy must be in this file/,
  },
]

for (const { name, change, error } of edits) {
  t.test(`${name} stops start and status with its line`, async t => {
    await script.edit(t, policy, change)
    for (const command of [['start', '--detach'], ['status']]) {
      isTwoLines(t, await script.run(command, { env }), { error, hint: /acl .* dstdomain -n/ })
    }
  })
}

t.test('a policy that is missing stops start', async t => {
  const path = join(script.checkout, policy)
  await rename(path, `${path}.away`)
  t.teardown(() => rename(`${path}.away`, path))
  isTwoLines(t, await script.run(['start', '--detach'], { env }), {
    error: /cannot read the allowlist .*\/proxy\/squid\.conf/,
    hint: /git checkout proxy\/squid\.conf/,
  })
})

t.test('doctor says where an edited policy is weaker than the shipped one', async t => {
  await script.edit(t, policy, text => text.replace('http_access deny !listed', '# $&'))
  const { stdout } = await script.run(['doctor'], { env })
  t.match(stdout, /warning {2}.*squid\.conf/)
})
