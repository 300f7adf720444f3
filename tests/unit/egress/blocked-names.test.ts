import t from 'tap'
import { command } from '../../../src/base/command.ts'
import {
  blockedNames,
  createBlockedNames,
  createDirectNames,
  parseDirectName,
  renderBlocked,
  renderDirect,
} from '../../../src/egress/blocked-names.ts'
import { type AccessDecision, parseAccessDecision } from '../../../src/egress/proxy-log.ts'

const line =
  '{"ts":1795259772.108,"caller":"agent","method":"CONNECT","host":"evil.test","port":"443","sni":"-","verdict":"denied","reason":"not-listed","status":"TCP_DENIED/407","bytes":409,"sent":55,"ms":0}'
const denied = parseAccessDecision(line)
if (!denied) throw new Error('the sample is no decision')
const asked = (host: string, more: Partial<AccessDecision> = {}) => ({ ...denied, host, ...more })
const site = (name: string) => ({ name, line: 1, namesOnly: true })

t.test('names are counted, whatever their case, the most frequent first', async t => {
  const decisions = [asked('b.test'), asked('A.test'), asked('a.test.'), asked('c.test')]
  t.strictSame(blockedNames(decisions, []), [
    { name: 'a.test', count: 2 },
    { name: 'b.test', count: 1 },
    { name: 'c.test', count: 1 },
  ])
})

t.test('only what a line in the list would have let through counts', async t => {
  const decisions = [
    asked('a.test', { verdict: 'allowed', reason: '-' }),
    asked('b.test', { caller: 'services' }),
    asked('c.test', { reason: 'sni-differs' }),
    asked('d.test', { reason: 'private-address' }),
  ]
  t.strictSame(blockedNames(decisions, []), [])
})

t.test('leaves out names that were allowed since', async t => {
  const decisions = [asked('x.a.test'), asked('b.test'), asked('c.test')]
  t.strictSame(blockedNames(decisions, [site('.a.test'), site('B.test')]), [
    { name: 'c.test', count: 1 },
  ])
})

t.test('a flood of names does not fill the memory', async t => {
  const blocked = createBlockedNames()
  blocked.add(asked('first.test'))
  for (let i = 0; i < 20_000; i++) blocked.add(asked(`x${i}.test`))
  blocked.add(asked('first.test'))
  t.equal(blocked.names([]).length, 10_000)
  t.strictSame(blocked.names([])[0], { name: 'first.test', count: 2 })
})

t.test('the lines name the command, and there are few of them', async t => {
  const many = Array.from({ length: 9 }, (_, i) => ({ name: `x${i}.test`, count: 3 }))
  t.strictSame(renderBlocked([{ name: 'api.github.com', count: 3 }]), [
    `blocked: api.github.com (3×), ${command('allow --here api.github.com')}`,
  ])
  t.equal(renderBlocked(many).length, 6)
  t.equal(renderBlocked(many)[5], `blocked: and 4 more, ${command('log --denied')}`)
  t.strictSame(renderBlocked([]), [])
})

t.test('leaves out names that doctor and audit invented', async t => {
  const decisions = [
    asked('doctor-4d83fe185869b222.claude-secure.invalid'),
    asked('secret-x.audit-0123abcd.test'),
    asked('audit.test'),
  ]
  t.strictSame(blockedNames(decisions, []), [{ name: 'audit.test', count: 1 }])
})

t.test('names of other lists come last, without advice to allow them', async t => {
  const decisions = [asked('api.anthropic.com'), asked('api.anthropic.com'), asked('a.test')]
  const blocked = blockedNames(decisions, [], [site('api.anthropic.com')])
  t.strictSame(renderBlocked(blocked), [
    `blocked: a.test (1×), ${command('allow --here a.test')}`,
    'blocked: api.anthropic.com (2×), reserved for other services',
  ])
})

const dnsLine = (name: string, more = {}) => JSON.stringify({ event: 'asked-dns', name, ...more })

t.test('a line of the log is a name, and everything else is not', async t => {
  t.equal(parseDirectName(dnsLine('registry.example.com')), 'registry.example.com')
  for (const other of [
    '',
    'sleep: hello',
    dnsLine('localhost'),
    dnsLine('a b.example.com'),
    dnsLine('UPPER.example.com'),
    dnsLine('\u001b[31m.example.com'),
    dnsLine(`${'a'.repeat(64)}.example.com`),
    dnsLine(`${'a.'.repeat(130)}com`),
    dnsLine('1.2.3.4'),
    dnsLine('a.example.com', { more: 1 }),
    JSON.stringify({ event: 'other', name: 'a.example.com' }),
    `${dnsLine('a.example.com')} trailing`,
    // Asked by the system, or by our own audit.
    dnsLine('host.docker.internal'),
    dnsLine('printer.local'),
    dnsLine('1.0.0.127.in-addr.arpa'),
    dnsLine('0123456789abcdef.audit.test'),
  ]) {
    t.equal(parseDirectName(other), undefined, other)
  }
})

t.test('names are counted, and those of other callers are left out', async t => {
  const direct = createDirectNames()
  for (const name of ['b.test.dev', 'a.test.dev', 'b.test.dev', 'api.anthropic.com']) {
    direct.add(dnsLine(name))
  }
  direct.add('noise')
  t.same(direct.names([site('a.test.dev')], [site('api.anthropic.com')]), [
    { name: 'b.test.dev', count: 2, open: false },
    { name: 'a.test.dev', count: 1, open: true },
  ])
})

t.test('each name has a line with the reason; many names have few lines', async t => {
  const names = ['a', 'b', 'c', 'd', 'e'].map(name => ({
    name: `${name}.example.com`,
    count: 2,
    open: name === 'b',
  }))
  const lines = renderDirect(names)
  t.equal(lines.length, 4)
  t.match(lines[0], /^blocked: a\.example\.com \(2×\), asked without the proxy: the program/)
  t.match(lines[1], /asked without the proxy: it is on the list, but the program/)
  t.match(lines[3], /^blocked: and 2 more names/)
  t.same(renderDirect([]), [])
})
