import t from 'tap'
import {
  createDirectNames,
  parseDirectAttempt,
  parseDirectName,
  renderDirect,
  renderDirectAttempt,
} from '../../../src/egress/direct-names.ts'

const site = (name: string) => ({ name, line: 1, namesOnly: true })
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

t.test('an attempt has the time that the engine gave its line', async t => {
  const line = `2026-11-21T18:00:01.123456789Z ${dnsLine('repo.example.com')}`
  const attempt = parseDirectAttempt(line, 'claude')
  t.same(attempt, {
    ts: Date.UTC(2026, 10, 21, 18, 0, 1, 123) / 1000,
    caller: 'agent',
    verdict: 'blocked',
    reason: 'asked-without-the-proxy',
    host: 'repo.example.com',
    service: 'claude',
  })
  t.equal(
    attempt && renderDirectAttempt(attempt),
    '2026-11-21 18:00:01 blocked agent    DNS repo.example.com (asked without the proxy, in claude)',
  )
  for (const other of [
    dnsLine('repo.example.com'),
    `yesterday ${dnsLine('repo.example.com')}`,
    `2026-11-21T18:00:01Z ${dnsLine('\u001b[31m.example.com')}`,
    '2026-11-21T18:00:01Z',
    '',
  ]) {
    t.equal(parseDirectAttempt(other, 'claude'), undefined, other)
  }
})
