import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Allowlist } from '../../../src/egress/allowlist.ts'
import { findings, ruleFindings, siteFindings } from '../../../src/egress/findings.ts'
import { accessRules, definitions, tunnelRules } from '../../../src/egress/policy.ts'

const shipped = readFileSync(new URL('../../../proxy/squid.conf', import.meta.url), 'utf8')

t.test('the shipped file has no findings', async t => {
  t.strictSame(findings(shipped), [])
})

t.test('reviews names and rules', async t => {
  const text = shipped
    .replace('dstdomain -n\n', 'dstdomain -n .workers.dev\n')
    .replace('http_access deny flood refused_load\n', '')
  t.match(findings(text), [
    { severity: 'open', line: 5, message: /^\.workers\.dev/ },
    { severity: 'open', message: 'missing from the policy: http_access deny flood refused_load' },
  ])
})

t.test('a file that cannot be understood throws instead', async t => {
  t.throws(() => findings('acl allowed_sites dstdomain -n /x', 'x.conf'), {
    name: 'UserError',
    message: /^x\.conf line 1/,
  })
})

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
      [{ severity: 'open', message: `missing from the policy: ${rule}` }],
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
  const rule = 'http_access deny resolved_here private !granted_private refused_address'
  const text = without(rule).replace(
    'http_access deny !listed',
    `${rule}\nhttp_access deny !listed`,
  )
  t.match(ruleFindings(text), [{ message: 'out of order: http_access deny !listed refused_name' }])
})

function listing(name: string, list: keyof Allowlist = 'agent', namesOnly = true): Allowlist {
  return {
    agent: [],
    gateway: [],
    server: [],
    grantable: [],
    login: [],
    [list]: [{ name, line: 7, namesOnly }],
  }
}

for (const name of ['api.github.com', 'raw.githubusercontent.com', 'bucket.s3.amazonaws.com']) {
  t.test(`${name} is fine`, async t => {
    t.strictSame(siteFindings(listing(name)), [])
  })
}

const expected: [string, 'open' | 'weak', RegExp][] = [
  ['.example.com', 'weak', /every subdomain/],
  ['.com', 'open', /top-level domain/],
  ['.github.io', 'open', /anyone can register/],
  ['.core.windows.net', 'open', /anyone can register/],
  ['.windows.net', 'open', /anyone can register/],
  ['.s3.eu-west-1.amazonaws.com', 'open', /anyone can register/],
  ['.WORKERS.dev.', 'open', /anyone can register/],
  ['*.example.com', 'weak', /not a wildcard/],
  ['localhost', 'weak', /no dot/],
  ['10.0.0.1', 'weak', /is an address/],
  ['0x7f000001', 'weak', /is an address/],
  ['017700000001', 'weak', /is an address/],
  ['127.1', 'weak', /is an address/],
  ['[::1]', 'weak', /is an address/],
  ['fd00:ec2::254', 'weak', /is an address/],
  ['api.anthropic.com', 'open', /another API key/],
]
for (const [name, severity, message] of expected) {
  t.test(`${name} on the agent's list is a finding`, async t => {
    t.match(siteFindings(listing(name)), [{ severity, line: 7, message }])
    t.equal(siteFindings(listing(name)).length, 1)
  })
}

t.test('the gateway may have the model on its list, the agent at log-in too', async t => {
  t.strictSame(siteFindings(listing('api.anthropic.com', 'gateway')), [])
  t.strictSame(siteFindings(listing('api.anthropic.com', 'login')), [])
})

t.test('a missing -n is found on every list', async t => {
  for (const list of ['agent', 'gateway', 'server', 'login'] as const) {
    t.match(siteFindings(listing('a.test', list, false)), [{ severity: 'open', message: /PTR/ }])
  }
})
