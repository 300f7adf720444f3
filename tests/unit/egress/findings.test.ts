import { readFileSync } from 'node:fs'
import t from 'tap'
import { findings } from '../../../src/egress/findings.ts'

const shipped = readFileSync(new URL('../../../proxy/squid.conf', import.meta.url), 'utf8')

t.test('the shipped file has none', async t => {
  t.strictSame(findings(shipped), [])
})

t.test('names and rules are both looked at', async t => {
  const text = shipped
    .replace('dstdomain -n\n', 'dstdomain -n .workers.dev\n')
    .replace('http_access deny flood refused_load\n', '')
  t.match(findings(text), [
    { severity: 'open', line: 5, message: /^\.workers\.dev/ },
    { severity: 'open', message: 'the policy lacks: http_access deny flood refused_load' },
  ])
})

t.test('a file that cannot be understood throws instead', async t => {
  t.throws(() => findings('acl allowed_sites dstdomain -n /x', 'x.conf'), {
    name: 'UserError',
    message: /^x\.conf line 1/,
  })
})
