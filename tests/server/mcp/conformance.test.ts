import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { startServer, token } from '../../integration/server/fixture.ts'
import { conformanceSuite } from '../../support/mcp/conformance-suite.ts'
import { run } from '../../support/stack/process.ts'

const expectedFailures = join(import.meta.dirname, 'expected-failures.yaml')

t.test('the conformance suite of MCP fails where it is expected to, and nowhere else', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'conformance-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  const suite = await conformanceSuite(folder)
  const { port } = await startServer(t, { workspacesFolder: realpathSync(t.testdir({ main: {} })) })
  const relay = await startRelay(t, port)
  const { code, stdout, stderr } = await run(
    process.execPath,
    [
      ...[suite, 'server', '--url', `http://localhost:${relay}/mcp`],
      ...['--expected-failures', expectedFailures],
    ],
    { cwd: folder, timeout: 240_000, env: { PATH: process.env.PATH, HOME: folder } },
  )
  t.equal(code, 0, `${stdout}\n${stderr}`)
  for (const scenario of ['server-initialize', 'ping', 'tools-list', 'dns-rebinding-protection']) {
    t.match(stdout, new RegExp(`^✓ ${scenario}: [1-9]`, 'm'), scenario)
  }
})

/** Adds the token, which the suite cannot send, to its requests. */
async function startRelay(t: Test, port: number): Promise<number> {
  const relay = createServer((incoming, answer) => {
    const { method, url: path, headers } = incoming
    const sent = request(
      {
        ...{ host: '127.0.0.1', port, method, path, agent: false },
        headers: { ...headers, authorization: `Bearer ${token}` },
      },
      response => {
        answer.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(answer)
      },
    )
    sent.on('error', () => answer.destroy())
    answer.once('close', () => sent.destroy())
    incoming.pipe(sent)
  })
  await new Promise<void>(resolve => relay.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    relay.closeAllConnections()
    relay.close()
  })
  const address = relay.address()
  return typeof address === 'object' && address ? address.port : 0
}
