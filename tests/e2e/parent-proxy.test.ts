import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { holdsSecret } from '../../src/audit/key-search.ts'
import { marker } from '../support/internet/sites.ts'
import { connectCases } from '../support/squid/connect-cases.ts'
import { createParentStandIn } from '../support/squid/parent.ts'
import { playConnectCases } from '../support/squid/play.ts'
import { sitesAddress } from '../support/stack/internet.ts'
import { must, until } from '../support/stack/process.ts'
import { createTestStack, startTestStack, writeSettings } from '../support/stack/test-stack.ts'

const sites = sitesAddress(0)
const beside = (step: number) => sites.replace(/\d+$/, last => String(Number(last) + step))
const parentAddress = beside(1)
const login = { user: 'd\u00e9v us', password: 'p@ss:w/%25 "rd' }
const password = encodeURIComponent(login.password)

const stack = await createTestStack(t, {
  allow: ['allowed.test', 'other.test', 'flip.test', 'private.test', 'mixed.test'],
  zone: {
    'flip.test': [[sites]],
    'private.test': [['10.0.0.1']],
    // The certificate of the sites has this name, and the parent shows it on its TLS port.
    'other.test': [[parentAddress]],
    'mixed.test': [[sites]],
  },
  start: false,
})
const { inside, internet } = stack
const shipped = Object.fromEntries(
  (await readFile(join(stack.checkout, '.env'), 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map(line => line.split(/=(.*)/s).slice(0, 2)),
)
const settings = {
  ...shipped,
  // Nothing answers there: what the proxy looks up by itself fails.
  PROXY_DNS: beside(2),
  PARENT_PROXY: `http://${encodeURIComponent(login.user)}:${password}@${parentAddress}:3128`,
}
await writeSettings(stack.checkout, settings)

const started = await stack.cli(['start', '--detach'])
await startTestStack(stack)
const parent = await createParentStandIn(t, stack, {
  ip: parentAddress,
  login,
  refuses: ['mixed.test'],
})

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

t.test('the start says that the parent is down, and shows no password', async t => {
  t.equal(started.code, 0, started.stderr)
  t.match(started.stderr, new RegExp(`parent proxy http://${parentAddress}:3128`))
  t.match(
    started.stderr,
    /does not answer: nothing leaves/,
    'the start says that the parent is down',
  )
  t.notMatch(started.stderr, password)
})

t.test('a listed name is reached through the parent, which resolves it', async t => {
  // Squid tries a parent again at the first request after it was down.
  const { stdout, stderr } = await until('the parent', async () => {
    const outcome = await curl('https://allowed.test/')
    return outcome.code === 0 && outcome
  })
  t.match(stdout, `${marker} allowed.test`, stderr)
  await until('the line of the parent', async () =>
    (await parent.requests()).some(line => line.endsWith('CONNECT allowed.test:443')),
  )
  const { code, stderr: refused } = await curl('https://evil.test/')
  t.not(code, 0)
  t.match(refused, /407/)
  t.notOk(
    (await parent.requests()).some(line => line.includes('evil.test')),
    'the parent never hears of it',
  )
})

t.test('the gateway reaches the model through the parent', async t => {
  const { stdout } = await inside([
    ...['curl', '-sS', '--max-time', '120', 'http://gateway:8787/v1/messages'],
    ...['-H', 'content-type: application/json', '-H', 'anthropic-version: 2023-06-01'],
    ...[
      '-d',
      '{"model":"claude-sonnet-4-5","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}',
    ],
    ...['-H', `x-api-key: ${(await inside(['printenv', 'ANTHROPIC_API_KEY'])).stdout.trim()}`],
  ])
  // The stack's own proxy could not even resolve its name.
  t.match(stdout, /"type":"message"/)
})

t.test('a name with a private range is not left to the parent', async t => {
  const asked = async () =>
    (await parent.requests()).some(line => line.includes('internal.corp.test'))
  await stack.cli(['allow', '--here', 'internal.corp.test', '--private', '10.211.79.0/29'])
  t.not((await curl('--max-time', '4', 'https://internal.corp.test/')).code, 0)
  t.notOk(await asked(), 'only the own proxy could check its address')
  await stack.cli(['deny', '--here', 'internal.corp.test'])
  await stack.cli(['allow', '--here', 'internal.corp.test'])
  await until('the line of the parent', async () => {
    await curl('--max-time', '4', 'https://internal.corp.test/')
    return asked()
  })
  await stack.cli(['deny', '--here', 'internal.corp.test'])
})

t.test('addresses, ports, methods and TLS names are refused as without a parent', async t => {
  const before = (await internet.events()).length
  const cases = connectCases({
    allowed: 'allowed.test',
    alsoAllowed: 'other.test',
    unlisted: 'evil.test',
    address: sites,
  })
  const results = await playConnectCases(stack, cases)
  t.ok(results.length > 30)
  for (const { name, threat, expect, result } of results)
    t.equal(result, expect, `${threat} ${name}`)
  const after = (await internet.events()).slice(before)
  t.same(
    after.filter(event => event.kind === 'tcp' && event.port !== 443),
    [],
  )
})

t.test('what the parent refuses is not dialled directly', async t => {
  const before = (await internet.events()).length
  const { code, stdout } = await curl('https://mixed.test/')
  t.not(code, 0)
  t.equal(stdout, '')
  const after = (await internet.events()).slice(before)
  t.same(
    after.filter(({ kind }) => kind !== 'dns'),
    [],
  )
  await until('the reason in the status', async () =>
    (await stack.cli(['status'])).stdout.includes(
      'at the last request it refuses mixed.test (403)',
    ),
  )
})

t.test('the password is in one file of the proxy alone', async t => {
  const containers = ['claude', 'gateway', 'proxy'].map(stack.container)
  const state = join(stack.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', stack.stack)
  const texts = [
    await must('docker', ['inspect', ...containers]),
    await readFile(join(state, 'stack.yaml'), 'utf8'),
    ...(await Promise.all(containers.map(container => must('docker', ['logs', container])))),
    ...(await Promise.all(
      ['claude', 'gateway', 'proxy'].map(async service => {
        const files = 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null; true'
        return (await inside(['sh', '-c', files], { service })).stdout
      }),
    )),
    (await stack.cli(['config', '--json'])).stdout,
    (await stack.cli(['status', '--json'])).stdout,
  ]
  const hex = [...Buffer.from(login.password)].map(byte => `%${byte.toString(16)}`).join('')
  for (const text of texts) {
    t.notOk(holdsSecret(text, login.password))
    t.notOk(text.includes(password) || text.toLowerCase().includes(hex))
  }
  for (const service of ['claude', 'gateway']) {
    t.not((await inside(['ls', '/etc/claude-secure/parent'], { service })).code, 0, service)
  }
  const bad = await stack.cli(['start', '--detach'], {})
  t.equal(bad.code, 0, 'a second start finds it running')
})

t.test('status says what the parent decides', async t => {
  await curl('https://allowed.test/')
  const { stdout } = await stack.cli(['status'])
  t.match(stdout, new RegExp(`parent +http://${parentAddress}:3128: everything leaves`))
  t.match(stdout, /it resolves the names, so it alone refuses private addresses/)
  // What the last request met is in the log a moment after its answer.
  const parent = await until('the end of the trouble', async () => {
    const { parent } = JSON.parse((await stack.cli(['status', '--json'])).stdout)
    return parent.trouble === null && parent
  })
  t.equal(parent.address, `http://${parentAddress}:3128`)
})

t.test('the audit attacks a twin behind a parent, and says what the parent decides', async t => {
  const { code, stdout, stderr } = await stack.cli(['audit', '--json'])
  type Check = { claim: string; verdict: string; evidence: string }
  const probes: { id: string; verdict: string; checks: Check[] }[] = JSON.parse(stdout).probes
  const failed = probes.flatMap(({ id, checks }) =>
    checks
      .filter(({ verdict }) => verdict === 'open' || verdict === 'unknown')
      .map(({ claim, verdict, evidence }) => `${id} ${verdict}: ${claim} (${evidence})`),
  )
  t.strictSame(failed, [])
  t.equal(code, 0, stderr)
  for (const id of ['N8', 'N21']) {
    const weak = probes
      .find(probe => probe.id === id)
      ?.checks.filter(({ verdict }) => verdict === 'weak')
    t.match(weak?.[0]?.evidence, /resolves the names/, `${id} says who resolves the names`)
  }
  t.notMatch(stdout, password)
})

t.test('a wrong password is told, and a right one takes effect without a restart', async t => {
  const { Id } = JSON.parse(await must('docker', ['inspect', stack.container('proxy')]))[0]
  const change = async (url: string) => {
    await writeSettings(stack.checkout, { ...settings, PARENT_PROXY: url })
    t.equal((await stack.cli(['start', '--detach'])).code, 0)
  }
  await change(`http://user:wrong@${parentAddress}:3128`)
  await until('the refusal in the status', async () => {
    await curl('https://allowed.test/')
    const { stdout } = await stack.cli(['status'])
    return stdout.includes('at the last request it refuses the user and password (407)')
  })
  await change(settings.PARENT_PROXY)
  await until('the parent', async () => (await curl('https://allowed.test/')).code === 0)
  t.equal(JSON.parse(await must('docker', ['inspect', stack.container('proxy')]))[0].Id, Id)
})

t.test('while the parent is down nothing leaves', async t => {
  await parent.stop()
  const before = (await internet.events()).length
  const { code, stdout } = await curl('https://allowed.test/')
  t.not(code, 0)
  t.equal(stdout, '')
  t.same((await internet.events()).slice(before), [])
  await parent.start()
  await until('the parent', async () => (await curl('https://allowed.test/')).code === 0)
})

t.test('a parent that speaks TLS, and names that are reached without it', async t => {
  await internet.detach()
  await parent.remove()
  const file = join(stack.checkout, 'login')
  await writeFile(file, `${login.user}:${login.password}\n`, { mode: 0o600 })
  await writeSettings(stack.checkout, {
    ...settings,
    PROXY_DNS: internet.dns,
    PARENT_PROXY: 'https://other.test:3129',
    PARENT_PROXY_LOGIN: file,
    PARENT_PROXY_EXCEPT: 'flip.test, .private.test',
  })
  await startTestStack(stack)
  const secure = await createParentStandIn(t, stack, { ip: parentAddress, login })
  await until('the parent', async () => (await curl('https://allowed.test/')).code === 0)
  await until('the line of the parent', async () =>
    (await secure.requests()).some(line => line.endsWith('200 CONNECT allowed.test:443')),
  )
  t.match((await curl('https://flip.test/')).stdout, `${marker} flip.test`)
  t.notOk((await secure.requests()).some(line => line.includes('flip.test')))
  const { stderr } = await curl('https://private.test/')
  t.match(stderr, /407/, 'the proxy itself refuses a private address where it resolves the name')
  t.notOk((await secure.requests()).some(line => line.includes('private.test')))
})
