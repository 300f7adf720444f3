import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { bundlePrograms, gatewayPrograms, writeBundle } from '../../../src/images/program-bundle.ts'
import { createAuthority, issueCertificate } from '../../support/messages-api/certificate.ts'
import { startStandIn } from '../../support/messages-api/stand-in.ts'
import { freePort } from '../../support/stack/free-port.ts'
import { startConnectProxy } from './connect-proxy.ts'
import { apiKey, genuine, until } from './fixture.ts'

const folder = t.testdir({ credential: JSON.stringify(apiKey) })
const CREDENTIAL_FILE = join(folder, 'credential')

// A package.json of its own, because the programs are modules and their names do not say so.
writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
await writeBundle(
  await bundlePrograms(join(import.meta.dirname, '../../..'), gatewayPrograms),
  folder,
)

/** Runs a bundle as the image does, and collects the lines it prints. */
function run(t: Test, name: string, env: Record<string, string>) {
  const child = spawn(process.execPath, [join(folder, name)], {
    env: { PATH: process.env.PATH, USAGE_FOLDER: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const lines: Record<string, unknown>[] = []
  let partial = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const pieces = (partial + chunk).split('\n')
    partial = pieces.pop() ?? ''
    for (const line of pieces) lines.push(JSON.parse(line))
  })
  const stderr = text(child.stderr)
  return { child, lines, stderr, ended: once(child, 'close') }
}

async function stops(child: ChildProcess, ended: Promise<unknown[]>) {
  child.kill('SIGTERM')
  const [code] = await ended
  return code
}

t.test('the gateway verifies the origin by NODE_EXTRA_CA_CERTS, through the proxy', async t => {
  const authority = createAuthority()
  const standIn = await startStandIn({
    tls: issueCertificate(authority, ['api.anthropic.invalid']),
    defaults: { text: 'through TLS' },
  })
  t.teardown(() => standIn.close())
  const proxy = await startConnectProxy(t, { target: standIn.httpsUrl })
  const NODE_EXTRA_CA_CERTS = join(folder, 'ca.pem')
  writeFileSync(NODE_EXTRA_CA_CERTS, authority.certificate)
  const GATEWAY_PORT = String(await freePort())
  const { child, lines, ended } = run(t, 'gateway.js', {
    GATEWAY_PORT,
    UPSTREAM_URL: 'https://api.anthropic.invalid',
    PROXY_URL: proxy.url,
    CREDENTIAL_FILE,
    NODE_EXTRA_CA_CERTS,
  })
  await until(() => lines.some(({ kind }) => kind === 'listening'))
  const answer = await request(`http://127.0.0.1:${GATEWAY_PORT}/v1/messages`, {
    method: 'POST',
    headers: genuine,
    body: '{"model":"m"}',
  })
  t.match(await answer.body.text(), 'through TLS')
  t.strictSame(proxy.asked, ['api.anthropic.invalid:443'])
  t.match(standIn.requests[0], { host: 'api.anthropic.invalid' })
  t.match(standIn.requests[0]?.rawHeaders.join('\n'), apiKey.secret)
  t.equal(await stops(child, ended), 0)
  t.match(lines, [
    { level: 'info', kind: 'listening', upstream: 'https://api.anthropic.invalid' },
    { kind: 'request', status: 200, outcome: 'answered', model: 'm', requestBytes: 13 },
    { kind: 'stopping', signal: 'SIGTERM' },
  ])
  t.notMatch(JSON.stringify(lines), /SENTINEL|placeholder/)
})

t.test('a stop does not wait for an answer without an end', async t => {
  const standIn = await startStandIn()
  t.teardown(() => standIn.close())
  const GATEWAY_PORT = String(await freePort())
  const { child, lines, ended } = run(t, 'gateway.js', {
    GATEWAY_PORT,
    UPSTREAM_URL: standIn.httpUrl,
    PROXY_URL: '',
    CREDENTIAL_FILE,
  })
  await until(() => lines.some(({ kind }) => kind === 'listening'))
  const content = '[[stream 1000000 10]]'
  const answer = await request(`http://127.0.0.1:${GATEWAY_PORT}/v1/messages`, {
    method: 'POST',
    headers: genuine,
    body: JSON.stringify({ stream: true, messages: [{ role: 'user', content }] }),
  })
  answer.body.on('error', () => {})
  await once(answer.body, 'readable')
  t.equal(await stops(child, ended), 0)
})

t.test(
  'a wrong environment and a port that is taken end it with one line that says so',
  async t => {
    const wrong = run(t, 'gateway.js', { PROXY_URL: 'egress' })
    t.strictSame((await wrong.ended)[0], 1)
    t.match(wrong.lines, [{ level: 'error', message: /PROXY_URL must be/, hint: /compose\.yaml/ }])
    const standIn = await startStandIn()
    t.teardown(() => standIn.close())
    const GATEWAY_PORT = new URL(standIn.httpUrl).port
    const taken = run(t, 'gateway.js', { GATEWAY_PORT, CREDENTIAL_FILE })
    t.strictSame((await taken.ended)[0], 1)
    t.match(taken.lines, [{ level: 'error', message: /EADDRINUSE/ }])
    t.equal(await taken.stderr, '')
  },
)

t.test('a missing credential is said at once, and does not end it', async t => {
  const { lines, child, ended } = run(t, 'gateway.js', {
    GATEWAY_PORT: '0',
    CREDENTIAL_FILE: join(folder, 'nowhere'),
  })
  await until(() => lines.some(({ kind }) => kind === 'warn'))
  t.match(lines.at(-1), { message: /nowhere: it is missing/, hint: /ANTHROPIC_API_KEY/ })
  t.equal(child.exitCode, null)
  t.equal(await stops(child, ended), 0)
})

t.test('the rehearsal serves by itself, and stops', async t => {
  const REHEARSAL_PORT = String(await freePort())
  const { child, lines, ended } = run(t, 'rehearsal.js', { REHEARSAL_PORT })
  await until(() => lines.some(({ kind }) => kind === 'listening'))
  const answer = await request(`http://127.0.0.1:${REHEARSAL_PORT}/v1/messages`, {
    method: 'POST',
    body: '{"messages":[{"role":"user","content":"hello"}],"tools":[{"name":"Read"}]}',
  })
  t.match(await answer.body.text(), 'This is a rehearsal')
  t.equal(await stops(child, ended), 0)
})
