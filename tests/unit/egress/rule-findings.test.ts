import { readFileSync } from 'node:fs'
import t from 'tap'
import { accessRules, definitions, tunnelRules } from '../../../src/egress/policy.ts'
import { ruleFindings } from '../../../src/egress/rule-findings.ts'

const shipped = readFileSync(new URL('../../../proxy/squid.conf', import.meta.url), 'utf8')
// One line per directive, so that a rule can be taken out as a line.
const flat = shipped.replaceAll(/\\\n\s*/g, '')
const without = (rule: string) =>
  flat
    .split('\n')
    .filter(line => line !== rule)
    .join('\n')

t.test('the shipped rules are found in order', async t => {
  t.strictSame(ruleFindings(shipped), [])
})

for (const rule of [...accessRules, ...tunnelRules, ...definitions]) {
  t.test(`a file without "${rule}" is open`, async t => {
    t.strictSame(
      ruleFindings(without(rule)).map(({ severity, message }) => ({ severity, message })),
      [{ severity: 'open', message: `the policy lacks: ${rule}` }],
    )
  })
}

t.test('spaces and comments change nothing', async t => {
  t.strictSame(
    ruleFindings(shipped.replace('http_access deny flood ', ' http_access  deny\tflood ')),
    [],
  )
})

const added = [
  'http_access allow all',
  'acl agent src all',
  'acl services src 0.0.0.0/0',
  'acl agent_direct src all',
  'acl refused_name src 192.0.2.1',
  'acl connect method GET',
  'http_port 3129',
  'cache_peer elsewhere.test parent 3128 0',
  'dns_nameservers 192.0.2.53',
  'via on',
]
for (const rule of added) {
  t.test(`an added "${rule}" is found with its line`, async t => {
    const line = shipped.split('\n').length
    t.match(ruleFindings(`${shipped}${rule}\n`), [
      { severity: 'open', line, message: `not part of the policy: ${rule}` },
    ])
  })
}

t.test('a rule moved up is found: the first that matches decides', async t => {
  const rule = 'http_access deny private refused_address'
  const text = without(rule).replace(
    'http_access deny !listed',
    `${rule}\nhttp_access deny !listed`,
  )
  t.match(ruleFindings(text), [{ message: 'out of order: http_access deny !listed refused_name' }])
})
