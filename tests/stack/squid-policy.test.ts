import { readdirSync, readFileSync } from 'node:fs'
import { isIPv4 } from 'node:net'
import t from 'tap'
import { accessRules, definitions, logRules, tunnelRules } from '../../src/egress/policy.ts'
import { parseSquidConf } from '../../src/egress/squid-conf.ts'

const text = readFileSync(new URL('../../proxy/squid.conf', import.meta.url), 'utf8')
const directives = parseSquidConf(text).map(({ words }) => words)
const rules = directives.map(words => words.join(' '))
const values = (keyword: string, name: string) =>
  directives.filter(([first, second]) => first === keyword && second === name)
const place = (rule: string) => {
  const index = rules.indexOf(rule)
  if (index === -1) throw new Error(`proxy/squid.conf lacks: ${rule}`)
  return index
}

t.test('the first thing in the file is the agent’s list, and it is empty', async t => {
  t.strictSame(directives[0], ['acl', 'allowed_sites', 'dstdomain', '-n'])
  t.equal(values('acl', 'allowed_sites').length, 1)
  t.match(text.split('\n').slice(0, 5).join('\n'), /^(# .+\n)+acl allowed_sites dstdomain -n$/)
})

t.test('only the gateway reaches the model (N15)', async t => {
  t.strictSame(values('acl', 'gateway_sites'), [
    ['acl', 'gateway_sites', 'dstdomain', '-n', 'api.anthropic.com'],
  ])
  t.strictSame(values('acl', 'gateway_listed'), [
    ['acl', 'gateway_listed', 'all-of', 'services', 'gateway_sites'],
  ])
  t.strictSame(values('acl', 'login_listed'), [
    ['acl', 'login_listed', 'all-of', 'agent_direct', 'login_sites'],
  ])
})

t.test('every check of a name has -n: no PTR record opens an address (N5)', async t => {
  const checks = directives.filter(([, , type]) => type === 'dstdomain' || type === 'dstdom_regex')
  t.ok(checks.length >= 5)
  for (const check of checks) t.equal(check[3], '-n', check.join(' '))
})

t.test('the access rules are these, in this order, and no others', async t => {
  t.strictSame(
    rules.filter(rule => rule.startsWith('http_access')),
    [...accessRules],
  )
})

t.test('the rules of the tunnel are these, in this order, and no others', async t => {
  t.strictSame(
    rules.filter(rule => /^(ssl_bump|tcp_outgoing_address) /.test(rule)),
    [...tunnelRules],
  )
})

for (const definition of [...definitions, ...logRules]) {
  t.test(`stands in the file: ${definition}`, async t => {
    t.ok(rules.includes(definition))
  })
}

t.test('names are checked before any lookup (N3)', async t => {
  const resolving = directives.filter(([first, , type]) => first === 'acl' && type === 'dst')
  const names = new Set([...resolving.map(([, name]) => name), 'stack_addresses'])
  const first = rules.findIndex(
    rule =>
      rule.startsWith('http_access') &&
      rule.split(' ').some(word => names.has(word.replace('!', ''))),
  )
  t.ok(place('http_access deny !listed refused_name') < first)
})

t.test('every refusal comes before every permission, except the one on the TLS name', async t => {
  const permission = place('http_access allow at_connect')
  for (const rule of accessRules.filter(rule => / deny /.test(rule)).slice(0, -2)) {
    t.ok(place(rule) < permission, rule)
  }
  t.ok(
    place('http_access deny !sni_is_connect_name refused_sni') <
      place('http_access allow agent opened'),
  )
  t.equal(rules.filter(rule => rule.startsWith('http_access')).at(-1), 'http_access deny all')
})

t.test('the TLS name is checked where doubt means refusal (N9)', async t => {
  // An ssl_bump rule that cannot be decided lets the tunnel through; http_access refuses it.
  t.notMatch(rules.filter(rule => rule.startsWith('ssl_bump')).join('\n'), /sni|same_name|external/)
})

const inside = [
  '0.0.0.0',
  '10.1.2.3',
  '100.64.0.1',
  '100.127.255.255',
  '127.0.0.1',
  '127.255.255.254',
  '169.254.169.254',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.168.65.7',
  '198.18.0.1',
  '224.0.0.251',
  '240.0.0.1',
  '255.255.255.255',
]
const outside = [
  '1.1.1.1',
  '100.128.0.1',
  '172.32.0.1',
  '192.0.3.1',
  '203.0.113.10',
  '223.255.255.255',
]
const ranges = values('acl', 'private').flatMap(words => words.slice(3))
const isPrivate = (address: string) =>
  ranges.filter(isIPv4Range).some(range => contains(range, address))

t.test('an allowed name does not lead to an internal address (N8)', async t => {
  for (const address of inside) t.ok(isPrivate(address), address)
  for (const address of outside) t.notOk(isPrivate(address), address)
  for (const range of [
    '::1/128',
    'fc00::/7',
    'fe80::/10',
    'ff00::/8',
    '64:ff9b::/96',
    '2002::/16',
  ]) {
    t.ok(ranges.includes(range), range)
  }
  t.notOk(ranges.includes('::ffff:0:0/96'), 'which Squid reads as everything')
})

t.test('an idle stream outlives Claude Code’s watchdog of 300 s', async t => {
  t.ok(rules.includes('read_timeout 15 minutes'))
})

t.test('Squid fetches no certificates and opens no other port (N14)', async t => {
  t.strictSame(
    directives.filter(([keyword = '']) => /^(https?|ftp)_port$|^cache_(dir|peer)$/.test(keyword)),
    [],
  )
})

t.test("a caller's input is encoded in the log (N17)", async t => {
  for (const format of directives.filter(([keyword]) => keyword === 'logformat')) {
    const chosen = format.join(' ').match(/%[#'"[/]?(?:rm|>rd|>rP|ssl::>sni|ru|>ha?|ua)\b/g) ?? []
    t.equal(chosen.length, 4)
    for (const field of chosen) t.match(field, /^%#/)
    const sample = format
      .slice(2)
      .join(' ')
      .replaceAll(/%(#|\{\w+\}|[<>]|0\d)*[\w:]+(::>sni)?/g, '0')
    t.doesNotThrow(() => JSON.parse(sample), sample)
  }
})

t.test('each kind of refusal has a page and a reason', async t => {
  const names = new Set(accessRules.flatMap(rule => rule.match(/refused_\w+/) ?? []))
  for (const name of names) {
    const page = directives.find(([keyword, , acl]) => keyword === 'deny_info' && acl === name)?.[1]
    t.match(page, /^(407:)?REFUSED_[A-Z]+$/, name)
    t.match(values('acl', name)[0], ['acl', name, 'annotate_transaction', /^reason=[a-z0-9-]+$/])
  }
})

t.test('no error page reveals more than the caller knows', async t => {
  const folder = new URL('../../proxy/errors/', import.meta.url)
  for (const page of readdirSync(folder)) {
    const body = readFileSync(new URL(page, folder), 'utf8')
    t.match(body, /claude-secure/, page)
    t.ok(body.length < 300, page)
    // %H is the name that was asked for, %c the name of the page. Others tell version, host, time, addresses.
    t.strictSame(body.match(/%[^Hc]/), null, page)
  }
})

function isIPv4Range(range: string) {
  return isIPv4(range.split('/')[0] ?? '')
}

function contains(range: string, address: string) {
  const [base = '', length = '32'] = range.split('/')
  const size = 2 ** (32 - Number(length))
  return Math.floor(number(base) / size) === Math.floor(number(address) / size)
}

function number(address: string) {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}
