import t from 'tap'
import { wallClaims, wallTenants } from '../support/server-walls/claims.ts'
import { run, until } from '../support/stack/process.ts'
import { createTestServer } from '../support/stack/test-server.ts'

const server = await createTestServer(t, {
  tenants: wallTenants,
  serverSites: ['other.test'],
  allow: ['allowed.test'],
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
