import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import { grantLimit, parseGrants, renderGrant } from '../../../src/egress/grants.ts'
import { definitions } from '../../../src/egress/policy.ts'
import { parseSquidConf } from '../../../src/egress/squid-conf.ts'
import { exec } from '../../../src/process/exec.ts'

const program = new URL('../../../proxy/grants', import.meta.url).pathname
const now = '2026-11-21T12:00:00Z'

type Files = { checkout: string; here?: string }

/**
 * The rules that the proxy compiles from each pair of the checkout's and the folder's file; null where it
 * refuses them. One shell for all pairs: each start of a program by a test process costs more than awk.
 */
async function compiledAll(t: Test, pairs: readonly Files[], env: NodeJS.ProcessEnv = {}) {
  const files = pairs.flatMap(({ checkout, here = '' }, index) => [
    [`${index}.checkout`, checkout],
    [`${index}.here`, here],
  ])
  const folder = t.testdir(Object.fromEntries(files))
  const script = `cd "$1" && for pair in $(seq 0 ${pairs.length - 1}); do
    awk -v now=${now} -v next_file="$1/next" -f "$2" $pair.checkout $pair.here >$pair.rules || rm $pair.rules
  done`
  await exec('sh', ['-c', script, 'sh', folder, program], { env: { ...process.env, ...env } })
  return Promise.all(
    pairs.map((_, index) => readFile(`${folder}/${index}.rules`, 'utf8').catch(() => null)),
  )
}

async function compiled(t: Test, checkout: string, here = '', env: NodeJS.ProcessEnv = {}) {
  const [rules = null] = await compiledAll(t, [{ checkout, here }], env)
  return rules
}

function onHost(text: string) {
  try {
    return parseGrants(text, 'grants.list')
  } catch {
    return null
  }
}

const good = [
  'allow a.test',
  'allow .a.test',
  'allow a.test port 8443',
  'allow a.test port 22 no-tls',
  'allow a.test private 10.2.0.0/16',
  'allow a.test private 192.168.7.9/32',
  'allow a.test private 100.64.0.0/12',
  'allow a.test port 5432 no-tls private 172.16.0.0/12 until 2026-11-21T18:00:00Z',
  '  allow a.test\tport 65535\r',
  '# allow a.test port 0\n\nallow a.test',
  'allow a.test port 22 until 2026-11-20T00:00:00Z\nallow a.test port 22 no-tls',
  'allow a.test port 22\nallow a.test port 23 no-tls',
]
const bad = [
  'a.test',
  'deny a.test',
  'allow',
  'allow a',
  'allow 10.0.0.1',
  'allow A.test',
  'allow a.test.',
  'allow *.a.test',
  'allow "a.test"',
  'allow a.test,b.test',
  'allow /etc/passwd',
  'allow a.test b.test',
  'allow a.test # comment',
  'allow a.test\\',
  'allow a.test\u000bhttp_access allow all',
  'allow a.test\u0000',
  'allow a.test\u000b',
  '\ufeffallow a.test',
  '\u00a0allow a.test',
  '\rallow a.test',
  'allow a.test\rhttp_access allow all',
  'http_access allow all',
  'include /etc/passwd',
  'allow -n.test -i',
  'allow a.test port',
  'allow a.test port 0',
  'allow a.test port 65536',
  'allow a.test port 080',
  'allow a.test port 80-90',
  'allow a.test port 443 no-tls',
  'allow a.test no-tls',
  'allow a.test no-tls port 80',
  'allow .a.test port 8443',
  'allow .a.test private 10.0.0.0/8',
  'allow a.test private',
  'allow a.test private 0.0.0.0/0',
  'allow a.test private 10.2.0.0',
  'allow a.test private 10.2.0.1/16',
  'allow a.test private 10.0.0.0/7',
  'allow a.test private 010.0.0.0/8',
  'allow a.test private 10.0.0.0/08',
  'allow a.test private 10.0.0.0/33',
  'allow a.test private 8.8.8.0/24',
  'allow a.test private 127.0.0.0/8',
  'allow a.test private 169.254.169.254/32',
  'allow a.test private 100.100.100.200/32',
  'allow a.test private 100.64.0.0/10',
  'allow a.test private 172.16.0.0/11',
  'allow a.test private fd00::/8',
  'allow a.test until tomorrow',
  'allow a.test until 2026-13-01T00:00:00Z',
  'allow a.test until',
  'allow a.test port 22\nallow a.test port 22 no-tls',
  'allow a.test port 22 no-tls\nallow a.test port 8443\nallow a.test port 22 private 10.0.0.0/8',
]

t.test('proxy and control script agree', async t => {
  const texts = [...good, ...bad]
  const forEvery = await compiledAll(
    t,
    texts.map(text => ({ checkout: text })),
  )
  const forFolder = await compiledAll(
    t,
    texts.map(text => ({ checkout: '', here: `\n${text}\n` })),
  )
  for (const [index, text] of texts.entries()) {
    t.test(JSON.stringify(text), async t => {
      const expected = good.includes(text)
      t.equal(onHost(text) !== null, expected, 'control script')
      t.equal(forEvery[index] !== null, expected, 'proxy, for every folder')
      t.equal(forFolder[index] !== null, expected, 'proxy, for this folder')
    })
  }
})

t.test('what is written can be read again', async t => {
  for (const text of good) {
    const [grant] = parseGrants(text, 'x')
    if (!grant) throw new Error('no grant')
    t.match(parseGrants(renderGrant(grant), 'x')[0], { ...grant, line: 1 })
  }
})

t.test('an error names file, line and what the line holds, safe for a terminal', async t => {
  t.throws(() => parseGrants('allow a.test\nallow \u001b[31m', '/x/grants.list'), {
    message: /^\/x\/grants\.list line 2: it does not allow a host name: allow [^\u001b]*$/,
  })
  const many = 'allow a.test\n'.repeat(grantLimit + 1)
  t.throws(() => parseGrants(many, 'x'), { message: /at most 100 entries/ })
  t.equal(await compiled(t, many), null, 'the proxy holds the limit too')
})

t.test('the compiled rules hold nothing but definitions of their own', async t => {
  const text = [...good, 'allow b.test port 8443 private 10.0.0.0/8'].join('\n')
  for (const { words } of parseSquidConf((await compiled(t, text, text)) ?? '')) {
    t.match(
      words.slice(0, 2).join(' '),
      /^acl (here_sites|resolved_here|granted_[a-z]+|grant_\d+(_[a-z]+)?)$/,
    )
    t.match(words[2], /^(dstdomain|port|dst|all-of|any-of)$/)
  }
})

t.test('without grants nothing is granted', async t => {
  t.equal(
    await compiled(t, '', '# nothing\n'),
    [
      'acl here_sites dstdomain -n',
      ...['checkout', 'folder', 'private', 'closed', 'plain'].map(
        name => `acl granted_${name} all-of !all`,
      ),
      'acl resolved_here any-of granted_private',
      '',
    ].join('\n'),
  )
})

t.test('a port in both lists is a grant of each, and without TLS where either says so', async t => {
  const rules = async (checkout: string, here: string) =>
    (await compiled(t, checkout, here))?.split('\n') ?? []
  const both = await rules('allow a.test port 8443', 'allow a.test port 8443')
  t.ok(both.includes('acl granted_checkout any-of grant_1'))
  t.ok(both.includes('acl granted_folder any-of grant_2'))
  t.ok(both.includes('acl granted_plain all-of !all'), 'the name of the TLS hello is compared')
  for (const [checkout = '', here = ''] of [
    ['allow a.test port 22', 'allow a.test port 22 no-tls'],
    ['allow a.test port 22 no-tls', 'allow a.test port 22'],
  ]) {
    const mixed = await rules(checkout, here)
    t.ok(
      mixed.some(rule => /^acl granted_plain any-of grant_[12]$/.test(rule)),
      `${checkout} | ${here}`,
    )
  }
  const ranges = await rules(
    'allow a.test port 22 private 10.2.0.0/16',
    'allow a.test port 22 private 10.4.0.0/16',
  )
  for (const grant of ['grant_1', 'grant_2']) {
    const closed = ranges.find(rule => rule.startsWith(`acl ${grant}_addresses dst 0.`)) ?? ''
    t.match(closed, ' 10.0.0.0-10.1.255.255 10.3.0.0-10.3.255.255 10.5.0.0-', grant)
  }
})

t.test('an expired entry opens nothing, and the next end is known', async t => {
  const text = [
    'allow over.test port 8443 until 2026-11-21T12:00:00Z',
    'allow late.test port 8443 until 2026-11-21T18:00:00Z',
    'allow soon.test until 2026-11-21T13:00:00Z',
  ].join('\n')
  const rules = (await compiled(t, '', text)) ?? ''
  t.notMatch(rules, /over\.test/)
  t.match(rules, /late\.test/)
  t.match(rules, /^acl here_sites dstdomain -n soon\.test$/m)
  t.equal(await readFile(`${t.testdirName}/next`, 'utf8'), '2026-11-21T13:00:00Z')
})

t.test('a range opens itself and no other private address', async t => {
  const text = 'allow a.test private 10.2.0.0/16\nallow a.test private 192.168.0.0/24\n'
  const rules = (await compiled(t, text)) ?? ''
  const closed = parseSquidConf(rules)
    .filter(({ words }) => words[1] === 'grant_1_addresses')
    .flatMap(({ words }) => words.slice(3))
  const isClosed = (address: string) =>
    closed.some(range => {
      const [from = '', to] = range.split(/[-/]/)
      if (from.includes(':')) return false
      const end = range.includes('-')
        ? number(to ?? '')
        : number(from) + 2 ** (32 - Number(to ?? 32)) - 1
      return number(from) <= number(address) && number(address) <= end
    })
  for (const address of ['10.2.0.0', '10.2.255.255', '192.168.0.200', '8.8.8.8', '203.0.113.1']) {
    t.notOk(isClosed(address), address)
  }
  for (const address of [
    '10.1.255.255',
    '10.3.0.0',
    '10.255.255.255',
    '192.168.1.0',
    '127.0.0.1',
    '169.254.169.254',
    '100.64.0.1',
    '172.16.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
  ]) {
    t.ok(isClosed(address), address)
  }
  const shipped = definitions
    .filter(rule => rule.startsWith('acl private dst '))
    .flatMap(rule => rule.split(' ').slice(3))
  const untouched = shipped.filter(range => !/^(10|192\.168)\./.test(range))
  t.strictSame(
    untouched.filter(range => !closed.includes(range)),
    [],
    'every other range of the policy is closed',
  )
})

function number(address: string) {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

t.test('the ranges of the model’s upstream are opened to the services alone', async t => {
  const rules = async (UPSTREAM_PRIVATE: string) =>
    (await compiled(t, 'allow a.test private 10.9.0.0/16', '', { UPSTREAM_PRIVATE }))?.split('\n')
  const found = (await rules('10.2.0.0/16,192.168.7.9/32')) ?? []
  t.ok(found.includes('acl upstream_private all-of services upstream_sites'))
  t.ok(found.includes('acl upstream_closed all-of upstream_private upstream_addresses'))
  t.ok(found.includes('acl granted_private any-of grant_1 upstream_private'))
  t.ok(found.includes('acl granted_closed any-of grant_1_closed upstream_closed'))
  const [closed = ''] = found.filter(rule => rule.startsWith('acl upstream_addresses dst 0.'))
  t.match(closed, '10.0.0.0-10.1.255.255 10.3.0.0-10.255.255.255')
  t.match(closed, '192.168.0.0-192.168.7.8 192.168.7.10-192.168.255.255')
  t.match(closed, ' 169.254.0.0/16 ')
  t.notMatch((await rules(''))?.join('\n'), /upstream/)
  for (const bad of [
    '10.2.0.1/16',
    '8.8.8.0/24',
    '0.0.0.0/0',
    '169.254.169.254/32',
    '10.2.0.0/16,',
    'x',
    '10.2.0.0/16 all',
    '10.2.0.0/16\nhttp_access allow all',
  ]) {
    t.equal(await rules(bad), undefined, bad)
  }
})
