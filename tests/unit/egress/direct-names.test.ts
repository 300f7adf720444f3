import t from 'tap'
import {
  createDirectNames,
  parseDirectName,
  renderDirect,
} from '../../../src/egress/direct-names.ts'

const line = (name: string, more = {}) => JSON.stringify({ event: 'asked-dns', name, ...more })
const site = (name: string) => ({ name, line: 1, namesOnly: true })

t.test('a line of the log is a name, and everything else is not', async t => {
  t.equal(parseDirectName(line('registry.example.com')), 'registry.example.com')
  for (const other of [
    '',
    'sleep: hello',
    line('localhost'),
    line('a b.example.com'),
    line('UPPER.example.com'),
    line('\u001b[31m.example.com'),
    line(`${'a'.repeat(64)}.example.com`),
    line(`${'a.'.repeat(130)}com`),
    line('1.2.3.4'),
    line('a.example.com', { more: 1 }),
    JSON.stringify({ event: 'other', name: 'a.example.com' }),
    `${line('a.example.com')} trailing`,
    // Asked by the system, or by our own audit.
    line('host.docker.internal'),
    line('printer.local'),
    line('1.0.0.127.in-addr.arpa'),
    line('0123456789abcdef.audit.test'),
  ]) {
    t.equal(parseDirectName(other), undefined, other)
  }
})

t.test('names are counted, and those of other callers are left out', async t => {
  const direct = createDirectNames()
  for (const name of ['b.test.dev', 'a.test.dev', 'b.test.dev', 'api.anthropic.com']) {
    direct.add(line(name))
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
