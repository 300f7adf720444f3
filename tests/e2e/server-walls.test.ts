import { rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { AuditReport } from '../../src/audit/audit-report.ts'
import { throughProxy } from '../support/server-walls/attempts.ts'
import { wallClaims, wallTenants } from '../support/server-walls/claims.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestServer } from '../support/stack/test-server.ts'

const server = await createTestServer(t, {
  tenants: wallTenants,
  serverSites: ['other.test'],
  allow: ['allowed.test'],
  grantable: ['granted.test'],
})

for (const { name, leaks } of wallClaims) {
  t.test(name, async t => t.same(await leaks(server), []))
}

t.test('a run reads neither the token of its runner nor the key of its placeholder', async t => {
  const prompt =
    '[[bash cat /run/secrets/runner-token /run/secrets/meter-key; ls /run/secrets; cat /run/claude-secure/runner.sock; echo tried]]'
  const { json } = await server.request('/run', { body: { prompt } })
  t.match(json, { result: /tried/ })
  t.notMatch(JSON.stringify(json), /[0-9a-f]{64}/, 'no token')
  for (const file of ['runner-token', 'meter-key']) {
    const { stdout } = await server.inside('worker-main', ['cat', `/run/secrets/${file}`])
    t.ok(stdout.length >= 43, `${file} is there`)
    t.notMatch(JSON.stringify(json), stdout.trim())
  }
})

t.test(
  'a worker that puts a link to another tenant’s socket in the place of its own gets no run there',
  async t => {
    const link =
      'cd /run/claude-secure && mv runner.sock own.sock && ln -s ../team-b/runner.sock runner.sock'
    t.equal((await server.inside('worker-main', ['sh', '-c', link])).code, 0)
    const seen = await server.inside('server', [
      ...['sh', '-c', 'test -S /run/claude-secure/workers/main/runner.sock && echo followed'],
    ])
    t.equal(seen.stdout, 'followed\n', 'the link leads to the other socket')
    const { status, text } = await server.request('/run', {
      body: { prompt: '[[say wrong tenant]]' },
    })
    t.notMatch(text, /wrong tenant/)
    t.ok(status >= 400 || /"isError":true/.test(text), `${status} ${text}`)
    await run('docker', ['restart', '--time', '1', server.container('worker-main')])
    const again = await until('the worker to serve again', async () => {
      const { json } = await server.request('/run', { body: { prompt: '[[say right tenant]]' } })
      return JSON.stringify(json).includes('right tenant') ? json : null
    })
    t.match(again, { result: 'right tenant' })
  },
)

t.test('serve audit attacks it from each worker, and every control holds', async t => {
  const audited = await server.serve(['audit', '--json'])
  t.match(audited.stdout, /^\{/, audited.stderr)
  const report: AuditReport = JSON.parse(audited.stdout)
  const failed = report.probes.flatMap(({ id, checks }) =>
    checks
      .filter(({ verdict }) => verdict === 'open' || verdict === 'unknown')
      .map(({ claim, verdict, evidence }) => `${id} ${verdict}: ${claim}: ${evidence}`),
  )
  t.same(failed, [])
  t.equal(audited.code, 0)
  t.ok(report.held)
  t.equal(report.stack, server.stack)
  const ids = report.probes.map(({ id }) => id)
  for (const id of ['N1', 'N22', 'C2', 'S1', 'W1', 'W3', 'W7']) t.ok(ids.includes(id), id)
  const claims = report.probes.flatMap(({ checks }) => checks.map(({ claim }) => claim))
  for (const worker of ['worker-main', 'worker-team-b']) {
    t.ok(claims.includes(`${worker} reaches no other worker`))
    t.ok(claims.some(claim => claim.startsWith(`${worker} runs as the owner of its files`)))
    t.ok(claims.includes(`the gateway takes no placeholder of another tenant from ${worker}`))
  }
  t.ok(claims.some(claim => / a service that listens .*, from worker-team-b$/.test(claim)))
  const sarif = await server.serve(['audit', '--sarif', '--probe', 'W6'])
  t.equal(sarif.code, 0, sarif.stderr)
  t.match(JSON.parse(sarif.stdout), { version: '2.1.0', runs: [{ results: [] }] })
  isTwoLines(t, await server.serve(['audit', '--probe', 'H1']), {
    error: /there is no probe H1$/,
    hint: /serve audit --list/,
    code: 2,
  })
})

const grantsFile = join(
  server.env.XDG_STATE_HOME ?? '',
  'claude-secure/stacks',
  server.stack,
  'server-grants/grants.list',
)
const proxyLog = async () => (await run('docker', ['logs', server.container('proxy')])).stdout
const reaches = (worker: string, name: string) => throughProxy(server, worker, 'proxy', name)
const untilProxySays = (what: string, words: RegExp, after: number) =>
  until(what, async () => words.test((await proxyLog()).slice(after)) || null)
/** Puts a file in the place of the grants, as a taken-over server could. */
async function takeOver(make: (path: string) => Promise<unknown>) {
  const before = (await proxyLog()).length
  await make(`${grantsFile}.new`)
  await rename(`${grantsFile}.new`, grantsFile)
  return before
}
const soon = () => `${new Date(Date.now() + 600_000).toISOString().slice(0, 19)}Z`

t.test('a grant opens a name below the ceiling to one tenant, and ends', async t => {
  isTwoLines(t, await server.serve(['allow', 'evil.test']), {
    error: /evil\.test is not below grantable_sites$/,
    hint: /allow --grantable evil\.test/,
  })
  isTwoLines(t, await server.serve(['allow', 'granted.test', '--tenant', 'team-c']), {
    error: /the server has no tenant team-c$/,
    hint: /it has main, team-b; run .*serve up/,
    code: 2,
  })
  t.equal(await reaches('worker-team-b', 'granted.test'), 'refused', 'the ceiling opens nothing')
  const opened = await server.serve(['allow', 'granted.test', '--for', '1h', '--tenant', 'team-b'])
  t.equal(opened.code, 0, opened.stderr)
  t.match(opened.stdout, /^\+ granted\.test \(team-b\), until .* UTC/)
  t.equal(await reaches('worker-team-b', 'granted.test'), 'reached')
  t.equal(await reaches('worker-main', 'granted.test'), 'refused', 'another tenant')
  t.equal(await throughProxy(server, 'server', 'egress', 'granted.test'), 'refused')
  t.equal(await throughProxy(server, 'gateway', 'egress', 'granted.test'), 'refused')
  t.match(
    await proxyLog(),
    /"event":"grant-opened","name":"granted\.test","tenant":"team-b","until":"[\d:TZ-]+","by":"host:\w/,
  )
  t.match(JSON.parse((await server.serve(['status', '--json'])).stdout), {
    grants: [{ name: 'granted.test', tenant: 'team-b', by: /^host:/ }],
  })
  const closed = await server.serve(['deny', 'granted.test'])
  t.equal(closed.stdout, '- granted.test (team-b)\n')
  t.equal(await reaches('worker-team-b', 'granted.test'), 'refused')
  const wasOpen = /"grant-opened","name":"granted\.test","tenant":"main"/
  // A slow machine can take the grant after its end.
  for (const time of ['5s', '25s', '2m']) {
    const short = await server.serve(['allow', 'granted.test', '--for', time, '--tenant', 'main'])
    t.equal(short.code, 0, short.stderr)
    if (wasOpen.test(await proxyLog())) break
  }
  t.match(await proxyLog(), wasOpen)
  await until(
    'the grant to expire',
    async () => {
      return (await reaches('worker-main', 'granted.test')) === 'refused' || null
    },
    180_000,
  )
  // Squid refuses before the end of its reload is logged.
  await untilProxySays(
    'the proxy to log the end of the grant',
    /"event":"grant-closed","name":"granted\.test","tenant":"main".*"event":"policy-expired"/s,
    0,
  )
})

t.test('what a taken-over server writes opens nothing above the ceiling', async t => {
  const line = (name: string) => `grant ${name} tenant main until ${soon()} by x\n`
  const both = (await proxyLog()).length
  // As its own user, in its own container.
  const path = '/var/lib/claude-secure/grants/grants.list'
  const script = `printf %s "$1" > ${path}.new && chmod 644 ${path}.new && mv ${path}.new ${path}`
  const text = line('granted.test') + line('evil.test')
  const written = await server.inside('server', ['sh', '-c', script, 'sh', text])
  t.equal(written.code, 0, written.stderr)
  await untilProxySays('the proxy to take the file', /grants-loaded/, both)
  t.equal(await reaches('worker-main', 'granted.test'), 'reached')
  t.equal(await reaches('worker-main', 'evil.test'), 'refused', 'not below the ceiling')
  t.equal(await reaches('worker-team-b', 'granted.test'), 'refused')
  for (const [what, make] of [
    ['rules', (path: string) => writeFile(path, `${line('granted.test')}http_access allow all\n`)],
    ['a link', (path: string) => symlink('/etc/claude-secure/proxy/squid.conf', path)],
    ['a pipe', (path: string) => must('mkfifo', ['-m', '644', path])],
    [
      'ten years',
      (path: string) => writeFile(path, line('granted.test').replace(/20(?=\d\d-)/, '21')),
    ],
    ['much', (path: string) => writeFile(path, line('granted.test') + '#\n'.repeat(40_000))],
  ] as const) {
    const before = await takeOver(make)
    await untilProxySays(`the proxy to read ${what}`, /"event":"grants-(refused|loaded)"/, before)
    t.equal(await reaches('worker-main', 'granted.test'), 'refused', `${what} instead of grants`)
    t.equal(await reaches('worker-main', 'allowed.test'), 'reached', 'the lists stay in force')
  }
  const edited = await server.cli(['deny', 'allowed.test'])
  t.equal(edited.code, 0, edited.stderr)
  t.equal(await reaches('worker-main', 'allowed.test'), 'refused', 'the person still decides')
  await rm(grantsFile)
})
