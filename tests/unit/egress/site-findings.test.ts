import t from 'tap'
import type { Allowlist } from '../../../src/egress/allowlist.ts'
import { siteFindings } from '../../../src/egress/site-findings.ts'

function listing(name: string, list: keyof Allowlist = 'agent', namesOnly = true): Allowlist {
  return { agent: [], gateway: [], server: [], login: [], [list]: [{ name, line: 7, namesOnly }] }
}

for (const name of ['api.github.com', 'raw.githubusercontent.com', 'bucket.s3.amazonaws.com']) {
  t.test(`${name} is fine`, async t => {
    t.strictSame(siteFindings(listing(name)), [])
  })
}

const expected: [string, 'open' | 'weak', RegExp][] = [
  ['.example.com', 'weak', /every name below/],
  ['.com', 'open', /top-level domain/],
  ['.github.io', 'open', /anybody can register/],
  ['.core.windows.net', 'open', /anybody can register/],
  ['.windows.net', 'open', /anybody can register/],
  ['.s3.eu-west-1.amazonaws.com', 'open', /anybody can register/],
  ['.WORKERS.dev.', 'open', /anybody can register/],
  ['*.example.com', 'weak', /no wildcard/],
  ['localhost', 'weak', /no dot/],
  ['10.0.0.1', 'weak', /is an address/],
  ['0x7f000001', 'weak', /is an address/],
  ['017700000001', 'weak', /is an address/],
  ['127.1', 'weak', /is an address/],
  ['[::1]', 'weak', /is an address/],
  ['fd00:ec2::254', 'weak', /is an address/],
  ['api.anthropic.com', 'open', /key of its own/],
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
