import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { createRunAnnouncer } from '../../../../src/runner/turn/announce-run.ts'

t.test('a free request announces the run to the gateway', async t => {
  const seen: string[] = []
  const server = createServer((request, response) => {
    const { method, url, headers } = request
    seen.push(
      `${method} ${url} ${headers['x-claude-secure-meter']} ${headers['x-claude-secure-run']}`,
    )
    response.writeHead(seen.length === 1 ? 200 : 503).end()
  }).listen(0, '127.0.0.1')
  t.teardown(() => server.closeAllConnections())
  t.teardown(() => server.close())
  await once(server, 'listening')
  const announceRun = createRunAnnouncer(
    `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  )
  t.equal(await announceRun('0123456789abcdef', 'aaaaaaaaaaaaaaaa'), true)
  t.equal(
    await announceRun('0123456789abcdef', 'bbbbbbbbbbbbbbbb'),
    false,
    'one without a credential',
  )
  t.equal(seen[0], 'HEAD / 0123456789abcdef aaaaaaaaaaaaaaaa')
})

t.test('no other host is told, and an absent gateway does not delay a run', async t => {
  t.equal(await createRunAnnouncer(undefined)('a', 'b'), false)
  t.equal(await createRunAnnouncer('https://api.anthropic.com')('a', 'b'), false)
  t.equal(await createRunAnnouncer('http://127.0.0.1:9')('a', 'b'), false)
})
