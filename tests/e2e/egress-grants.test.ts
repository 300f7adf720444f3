import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { marker } from '../support/internet/sites.ts'
import type { ConnectCase } from '../support/squid/connect-cases.ts'
import { playConnectCases } from '../support/squid/play.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

/** Two private networks of a company, beyond the proxy; other lanes may have theirs. */
const base = `10.211.${64 + 2 * Number(process.env.TEST_LANE ?? 0)}`
const corp = { range: `${base}.0/29`, sites: `${base}.5`, proxy: `${base}.6` }
const other = { range: `${base}.8/29`, sites: `${base}.13`, proxy: `${base}.14` }

const stack = await createTestStack(t, {
  allow: ['allowed.test', 'plain.corp.test'],
  zone: {
    'registry.corp.test': [[corp.sites]],
    'plain.corp.test': [[corp.sites]],
    'stray.corp.test': [[other.sites]],
    'mixed.corp.test': [[corp.sites, other.sites]],
    'flip.corp.test': [[corp.sites], [other.sites]],
    'metadata.corp.test': [['169.254.169.254']],
    'db.corp.test': [[corp.sites]],
  },
})
for (const [name, { range, sites, proxy }] of Object.entries({ corp, other })) {
  const network = `${stack.stack}-${name}`
  await must('docker', ['network', 'create', '--internal', '--subnet', range, network])
  t.teardown(async () => {
    for (const one of [stack.internet.sites(), stack.container('proxy')]) {
      await run('docker', ['network', 'disconnect', '--force', network, one])
    }
    await run('docker', ['network', 'rm', network])
  })
  await must('docker', ['network', 'connect', '--ip', sites, network, stack.internet.sites()])
  await must('docker', ['network', 'connect', '--ip', proxy, network, stack.container('proxy')])
}

async function cli(...args: string[]) {
  const outcome = await stack.cli(args)
  if (outcome.code !== 0) throw new Error(`claude.ts ${args.join(' ')}: ${outcome.stderr}`)
  return outcome
}
const curl = (...args: string[]) => stack.inside(['curl', '-sSk', '--max-time', '60', ...args])
const reached = async (url: string) => (await curl(url)).stdout.includes(marker)
const proxyLog = async () => (await run('docker', ['logs', stack.container('proxy')])).stdout
const files = {
  conf: join(stack.checkout, 'proxy/squid.conf'),
  checkout: join(stack.checkout, 'proxy/grants.list'),
  here: join(
    stack.env.XDG_STATE_HOME ?? '',
    'claude-secure/stacks',
    stack.stack,
    'policy/grants.list',
  ),
}
const shipped = await readFile(files.conf, 'utf8')

const to = (authority: string, follow: ConnectCase['follow']): ConnectCase => ({
  name: `${authority} with ${JSON.stringify(follow)}`,
  threat: 'N7',
  request: `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n\r\n`,
  follow,
  expect: 'refused',
})

t.test(
  'a name is opened to one private range, and everything else private stays closed',
  async t => {
    t.notOk(await reached('https://plain.corp.test/'), 'an allowed name with a private address')
    const { stdout, stderr } = await cli('allow', 'registry.corp.test', '--private', corp.range)
    t.equal(stdout, `+ registry.corp.test (agent, private ${corp.range})\n`)
    t.match(stderr, /applied in \d+\.\d s to claude-secure-/)
    t.match(stderr, `the agent can reach registry.corp.test in ${corp.range}`)
    t.match(stderr, /registry\.corp\.test does not resolve on this host/)
    t.ok(await reached('https://registry.corp.test/'))
    t.notOk(await reached('https://plain.corp.test/'), 'another name to that range')
    for (const name of ['stray', 'mixed', 'metadata', 'flip']) {
      await cli('allow', `${name}.corp.test`, '--private', corp.range)
    }
    t.notOk(await reached('https://stray.corp.test/'), 'a granted name to another private range')
    t.notOk(
      await reached('https://mixed.corp.test/'),
      'nor when only one of its addresses is there',
    )
    t.notOk(await reached('https://metadata.corp.test/'))
    const before = (await stack.inside(['cat', '/proc/net/tcp'], { service: 'proxy' })).stdout
    t.notMatch(before, /FEA9FEA9:01BB/, 'no connection to 169.254.169.254:443')
    for (let i = 0; i < 4; i++) await curl('https://flip.corp.test/')
    t.notMatch(
      (await run('docker', ['logs', stack.internet.sites()])).stdout,
      /"sni":"(stray|mixed)/,
    )
    t.equal(
      (await cli('deny', 'registry.corp.test')).stdout,
      `- registry.corp.test (agent, private ${corp.range})\n`,
    )
    t.notOk(await reached('https://registry.corp.test/'))
    await cli('deny', 'stray.corp.test', 'mixed.corp.test', 'metadata.corp.test', 'flip.corp.test')
    t.equal(await readFile(files.conf, 'utf8'), shipped)
    t.equal(await readFile(files.checkout, 'utf8'), '')
  },
)

t.test('a port is opened to one name, with TLS or without', async t => {
  const range = ['--private', corp.range]
  await cli('allow', 'registry.corp.test', '--port', '9443', ...range)
  await cli('allow', 'db.corp.test', '--port', '22', '--no-tls', ...range)
  await cli('allow', 'db.corp.test', '--port', '8081', '--no-tls', ...range)
  const named = { hello: 'registry.corp.test' }
  const cases: ConnectCase[] = [
    { ...to('registry.corp.test:9443', named), expect: 'reached' },
    { ...to('db.corp.test:22', 'plain'), expect: 'reached' },
    { ...to('db.corp.test:8081', 'plain'), expect: 'reached' },
    to('registry.corp.test:9443', { hello: 'other.test' }),
    to('registry.corp.test:9443', 'hello-without-name'),
    to('registry.corp.test:9443', 'plain'),
    to('registry.corp.test:443', named),
    to('registry.corp.test:22', 'plain'),
    to('registry.corp.test:8081', 'plain'),
    to('db.corp.test:9443', { hello: 'db.corp.test' }),
    to('db.corp.test:25', 'plain'),
    to('db.corp.test:443', { hello: 'db.corp.test' }),
    to('allowed.test:22', 'plain'),
    to('allowed.test:9443', { hello: 'allowed.test' }),
    to('allowed.test:443', 'plain'),
    to('x.db.corp.test:22', 'plain'),
    to(`${corp.sites}:22`, 'plain'),
  ]
  for (const { name, expect, result } of await playConnectCases(stack, cases)) {
    t.equal(result, expect, name)
  }
  t.ok(await reached('http://db.corp.test:8081/'), 'clear-text HTTP without CONNECT')
  for (const url of [
    'http://allowed.test:8081/',
    'http://db.corp.test/',
    'http://db.corp.test:25/',
    'http://registry.corp.test:9443/',
    'ftp://db.corp.test:22/',
  ]) {
    t.notOk(await reached(url), url)
  }
  t.notOk(
    (await curl('-X', 'TRACE', 'http://db.corp.test:8081/')).stdout.includes('TRACE'),
    'and only ordinary methods',
  )
  t.match((await cli('allowlist')).stdout, `\n  db.corp.test:22, no TLS, private ${corp.range}\n`)
  const { grants } = JSON.parse((await cli('allowlist', '--json')).stdout)
  t.match(grants[0], { name: 'registry.corp.test', port: 9443, tls: true, private: corp.range })
  await cli('deny', 'db.corp.test', '--port', '22')
  t.notOk(await reached('http://db.corp.test:22/'))
  t.ok(await reached('http://db.corp.test:8081/'), 'the other port stays')
  await cli('deny', 'db.corp.test', 'registry.corp.test')
  t.notOk(await reached('http://db.corp.test:8081/'))
})

t.test('a port in both lists: each opens what it says, and allow names the other', async t => {
  const grant = ['db.corp.test', '--port', '9443', '--private', corp.range]
  const mine = { hello: 'db.corp.test' }
  const play = (...cases: ConnectCase[]) => playConnectCases(stack, cases)
  const others = { hello: 'other.test' }
  await cli('allow', ...grant)
  t.notMatch((await cli('allow', '--here', ...grant)).stderr, 'both apply')
  for (const { name, expect, result } of await play(
    { ...to('db.corp.test:9443', mine), expect: 'reached' },
    to('db.corp.test:9443', others),
  )) {
    t.equal(result, expect, `with TLS in both: ${name}`)
  }
  t.match(
    (await cli('allow', '--here', ...grant, '--no-tls')).stderr,
    /the list for every folder has db\.corp\.test:9443, private .*: both apply here, and .*deny db\.corp\.test --port 9443/,
  )
  for (const { name, expect, result } of await play(
    { ...to('db.corp.test:9443', others), expect: 'reached' },
    to('db.corp.test:443', mine),
  )) {
    t.equal(result, expect, `without TLS in one: ${name}`)
  }
  t.match(
    (await cli('allow', ...grant)).stderr,
    /the list for this folder has db\.corp\.test:9443, no TLS/,
  )
  await cli('deny', '--here', 'db.corp.test', '--port', '9443')
  for (const { name, expect, result } of await play(
    { ...to('db.corp.test:9443', mine), expect: 'reached' },
    to('db.corp.test:9443', others),
  )) {
    t.equal(result, expect, `in the list for every folder alone: ${name}`)
  }
  await cli('deny', 'db.corp.test')
})

t.test('no grant opens the network that the proxy shares with the host', async t => {
  const path = '/run/squid/start-from-policy.conf'
  const { stdout } = await stack.inside(['cat', path], { service: 'proxy' })
  t.match(stdout, new RegExp(`^acl host_network dst ${stack.internet.subnet}$`, 'm'))
})

t.test('a folder has a list of its own', async t => {
  const { stdout } = await cli('allow', '--here', 'other.test')
  t.equal(stdout, '+ other.test (agent, this folder)\n')
  t.ok(await reached('https://other.test/'))
  await until('the line', async () => /other\.test.*"list":"folder"/.test(await proxyLog()))
  t.match(
    (await cli('log')).stdout,
    /allowed agent {4}CONNECT other\.test:443 \(this folder's list/,
  )
  t.match((await cli('allowlist')).stdout, /in this folder only: .*grants\.list\n {2}other\.test\n/)
  t.equal(await readFile(files.conf, 'utf8'), shipped, 'the list of every folder is as it was')
  t.match(
    JSON.parse(
      (
        await run(join(stack.checkout, 'claude.ts'), ['allowlist', '--json'], {
          cwd: '/',
          env: stack.env,
        })
      ).stdout,
    ).here,
    [],
    'and another folder does not have it',
  )
  t.match(
    (await cli('deny', 'other.test')).stderr,
    /still allowed by this folder's list: run .*deny --here other\.test/,
  )
  t.ok(await reached('https://other.test/'))
  await cli('deny', '--here', 'other.test')
  t.notOk(await reached('https://other.test/'))

  // Seconds enough for one request, however slow this machine is.
  for (let seconds = 4; ; seconds *= 2) {
    const grant = ['registry.corp.test', '--private', corp.range, '--for', `${seconds}s`]
    const since = Date.now()
    await cli('allow', '--here', ...grant)
    const isOpen = await reached('https://registry.corp.test/')
    if (Date.now() - since > seconds * 1_000) continue
    t.ok(isOpen)
    break
  }
  await until('its end', async () => !(await reached('https://registry.corp.test/')))
  t.match((await cli('allowlist')).stdout, /registry\.corp\.test, private .* {2}expired/)
})

t.test('a list that the proxy cannot read opens nothing, and is reported', async t => {
  await cli('allow', '--here', 'other.test')
  const good = await readFile(files.here, 'utf8')
  for (const bad of [
    'allow evil.test\nhttp_access allow all\n',
    'allow evil.test private 0.0.0.0/0\n',
    'allow evil.test private 169.254.169.254/32\n',
    'allow evil.test port 22 no-tls # all-of\n',
    'allow evil.test\u000bhttp_access allow all\n',
    'allow evil.test until tomorrow\n',
  ]) {
    const refusals = (await proxyLog()).split('policy-refused').length
    await writeFile(files.here, `${good}${bad}`)
    await until(
      'the refusal',
      async () => (await proxyLog()).split('policy-refused').length > refusals,
    )
    t.notOk(await reached('https://evil.test/'), JSON.stringify(bad))
    isTwoLines(t, await stack.cli(['allowlist']), {
      error: /grants\.list line 2|line 3/,
      hint: /allow NAME/,
    })
  }
  for (const closed of ['600', '000']) {
    const refusals = (await proxyLog()).split('cannot be read').length
    await writeFile(files.here, `${good}# ${closed}\n`)
    await must('chmod', [closed, files.here])
    await until(
      'the refusal',
      async () => (await proxyLog()).split('cannot be read').length > refusals,
    )
    await must('chmod', ['644', files.here])
    await until(
      'the list',
      async () => JSON.parse((await cli('status', '--json')).stdout).allowlist.refused === null,
    )
  }
  t.ok(await reached('https://other.test/'), 'the list that was stays in force')
  await writeFile(files.here, good)
  await chmod(files.here, 0o644)
  t.equal((await stat(files.here)).mode & 0o777, 0o644)
  await until(
    'it',
    async () => JSON.parse((await cli('status', '--json')).stdout).allowlist.refused === null,
  )
})
