import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import { StoredToken, Tenant } from '../../../src/config/tenants.ts'
import type { RunResult } from '../../../src/run/result.ts'
import type { ServerEvent } from '../../../src/server/server-log.ts'
import { createWebhook, throughProxy } from '../../../src/server/webhook.ts'
import { storedToken } from '../../integration/server/fixture.ts'

const secret = 'a-secret-of-the-test'
const result: RunResult = {
  runId: '0123456789abcdef',
  workspace: '/workspaces/a',
  status: 'failed',
  sessionId: null,
  startedAt: '2026-11-29T00:00:00Z',
  endedAt: '2026-11-29T00:00:01Z',
  error: { code: 'cancelled' },
  claude: { result: 'the secret answer' },
  turns: [],
  system: null,
  meter: null,
  costUsd: 0.5,
}
const run = {
  caller: {
    token: StoredToken.parse(storedToken('ci', 'x')),
    tenant: Tenant.parse({ name: 'main' }),
  },
  surface: 'api',
  result,
}

async function receiver(t: Test, statuses: number[]) {
  const seen: { headers: IncomingMessage['headers']; body: string }[] = []
  const server = createServer(async (request, response) => {
    seen.push({ headers: request.headers, body: await text(request) })
    response.writeHead(statuses[Math.min(seen.length, statuses.length) - 1] ?? 200, {
      location: 'http://127.0.0.1:1/',
    })
    response.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { url: new URL(`http://127.0.0.1:${port}/hook?key=1`), seen, port }
}

function webhookTo(t: Test, url: URL, more: Partial<Parameters<typeof createWebhook>[0]> = {}) {
  const events: ServerEvent[] = []
  const webhook = createWebhook({
    url,
    secret,
    dispatcher: new Agent(),
    log: event => void events.push(event),
    now: () => 1_700_000_000_500,
    ...more,
    limits: { pauses: [1, 1], attempt: 2_000, ...more.limits },
  })
  t.teardown(() => webhook.close())
  const settled = async () => {
    while (events.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    return events
  }
  return { webhook, events, settled }
}

t.test('a report is signed with its time, and has no prompt and no answer', async t => {
  const { url, seen } = await receiver(t, [204])
  const { webhook, settled } = webhookTo(t, url)
  webhook.send(run)
  t.match(await settled(), [{ kind: 'webhook', outcome: 'delivered', attempts: 1, token: 'ci' }])
  const [{ headers, body } = { headers: {}, body: '' }] = seen
  const mac = createHmac('sha256', secret).update(`1700000000.${body}`).digest('hex')
  t.equal(headers['x-claude-secure-signature'], `t=1700000000,v1=${mac}`)
  t.match(JSON.parse(body), {
    event: 'run.ended',
    runId: result.runId,
    status: 'failed',
    error: 'the run was cancelled',
    costUsd: 0.5,
    tenant: 'main',
    token: 'ci',
  })
  t.notMatch(body, /secret/)
})

t.test('an attempt that fails is repeated as the same delivery, a few times', async t => {
  const { url, seen } = await receiver(t, [500, 302, 200])
  const { webhook, settled } = webhookTo(t, url)
  webhook.send(run)
  t.match(await settled(), [{ outcome: 'delivered', attempts: 3 }], 'and no redirect is followed')
  t.equal(new Set(seen.map(({ headers }) => headers['x-claude-secure-delivery'])).size, 1)

  const never = await receiver(t, [503])
  const failing = webhookTo(t, never.url)
  failing.webhook.send(run)
  t.match(await failing.settled(), [{ outcome: 'failed', attempts: 3, reason: 'status 503' }])
  t.equal(never.seen.length, 3)
})

t.test('too many reports at once are dropped, and those that wait at a stop', async t => {
  const { url } = await receiver(t, [500])
  const { webhook, events } = webhookTo(t, url, { limits: { waiting: 1, pauses: [60_000] } })
  webhook.send(run)
  webhook.send(run)
  t.match(events, [{ outcome: 'dropped', reason: 'too many wait' }])
  await webhook.close()
  t.match(events.slice(1), [{ outcome: 'dropped' }])
})

t.test('a report goes through the proxy, and nowhere if that refuses', async t => {
  const { url, seen, port } = await receiver(t, [200])
  const asked: string[] = []
  const proxy = createServer()
  proxy.on('connect', (request: IncomingMessage, socket: Socket) => {
    asked.push(String(request.url))
    if (request.url !== 'hook.test:80') {
      socket.end('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')
      return
    }
    const upstream = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(upstream).pipe(socket)
    })
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  const address = proxy.address()
  const at = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`

  const good = webhookTo(t, new URL('http://hook.test/'), { dispatcher: throughProxy(at) })
  good.webhook.send(run)
  t.match(await good.settled(), [{ outcome: 'delivered' }])
  t.equal(seen.length, 1)
  // Also for an address that is there: nothing bypasses the proxy.
  const bad = webhookTo(t, url, { dispatcher: throughProxy(at) })
  bad.webhook.send(run)
  t.match(await bad.settled(), [{ outcome: 'failed', reason: /proxy refused the name \(403\)/ }])
  t.equal(seen.length, 1)
  t.match(asked, ['hook.test:80', `127.0.0.1:${port}`, /./, /./])
})
