import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import type { RunResult } from '../../../src/run/result.ts'
import { throughProxy } from '../../../src/server/through-proxy.ts'
import { createWebhook, reportOf } from '../../../src/server/webhook.ts'
import type { ServerEvent } from '../../../src/tenants/server-log.ts'
import { memoryOutbox } from '../../support/run/memory-outbox.ts'

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
const report = JSON.stringify(reportOf({ tenant: 'main', token: 'ci', surface: 'api', result }))

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

type Given = Omit<Partial<Parameters<typeof createWebhook>[0]>, 'outbox'> & {
  outbox?: ReturnType<typeof memoryOutbox>
}

function webhookTo(t: Test, url: URL, { outbox = memoryOutbox(), ...more }: Given = {}) {
  const events: ServerEvent[] = []
  const webhook = createWebhook({
    url,
    secret,
    dispatcher: new Agent(),
    outbox: outbox.outbox,
    log: event => void events.push(event),
    ...more,
    limits: { pauses: [1, 1], attempt: 20_000, ...more.limits },
  })
  t.teardown(() => webhook.close())
  const settled = async () => {
    while (events.length === 0) await new Promise(resolve => setTimeout(resolve, 5))
    return events
  }
  return { webhook, events, settled, outbox, send: () => outbox.add(report) }
}

t.test('a report is signed with its time, and has no prompt and no answer', async t => {
  const { url, seen } = await receiver(t, [204])
  const { send, settled, outbox } = webhookTo(t, url, { now: () => 1_700_000_000_500 })
  send()
  t.match(await settled(), [{ kind: 'webhook', outcome: 'delivered', attempts: 1, token: 'ci' }])
  t.equal(outbox.reports.size, 0)
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
  const { send, settled } = webhookTo(t, url)
  send()
  t.match(await settled(), [{ outcome: 'delivered', attempts: 3 }], 'and no redirect is followed')
  t.equal(new Set(seen.map(({ headers }) => headers['x-claude-secure-delivery'])).size, 1)

  const never = await receiver(t, [503])
  const failing = webhookTo(t, never.url)
  failing.send()
  const about = { runId: result.runId, token: 'ci', tenant: 'main' }
  t.match(await failing.settled(), [
    { outcome: 'failed', attempts: 3, reason: 'status 503', ...about },
  ])
  t.equal(never.seen.length, 3)
  t.equal(failing.outbox.reports.size, 0, 'a report that was given up does not come back')
})

t.test(
  'a report that waits at a stop is sent after the next start, as the same delivery',
  async t => {
    const outbox = memoryOutbox()
    const { url, seen } = await receiver(t, [500, 200])
    const first = webhookTo(t, url, { outbox, limits: { pauses: [600_000] } })
    first.send()
    while (outbox.reports.get(1)?.attempts !== 1)
      await new Promise(resolve => setTimeout(resolve, 5))
    await first.webhook.close()
    t.match(first.events, [{ kind: 'warn', message: /^1 reports wait for the next start/ }])
    const later = webhookTo(t, url, { outbox, now: () => Date.now() + 700_000 })
    t.match(await later.settled(), [{ outcome: 'delivered', attempts: 2 }])
    t.equal(new Set(seen.map(({ headers }) => headers['x-claude-secure-delivery'])).size, 1)
  },
)

t.test('an attempt that a stop breaks off does not count', async t => {
  const outbox = memoryOutbox()
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const address = silent.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const first = webhookTo(t, new URL(`http://127.0.0.1:${port}/`), { outbox })
  const asked = once(silent, 'request')
  first.send()
  await asked
  await first.webhook.close()
  t.match([...outbox.reports.values()], [{ attempts: 0 }])
  const good = await receiver(t, [200])
  const later = webhookTo(t, good.url, { outbox, now: () => Date.now() + 1 })
  t.match(await later.settled(), [{ outcome: 'delivered', attempts: 1 }])
})

t.test('reports are sent a few at a time, and all of them', async t => {
  const outbox = memoryOutbox()
  let open = 0
  let most = 0
  const server = createServer((_, response) => {
    open += 1
    most = Math.max(most, open)
    setTimeout(() => {
      open -= 1
      response.end()
    }, 5)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  for (let index = 0; index < 20; index++) outbox.add(report)
  const url = new URL(`http://127.0.0.1:${port}/`)
  const { events } = webhookTo(t, url, { outbox, limits: { atOnce: 2 } })
  while (events.length < 20) await new Promise(resolve => setTimeout(resolve, 5))
  t.equal(most, 2)
  t.equal(outbox.reports.size, 0)
})

t.test('an outbox that cannot be written repeats no attempt at once', async t => {
  const outbox = memoryOutbox()
  const { url, seen } = await receiver(t, [200])
  const remove = outbox.outbox.remove
  outbox.outbox.remove = () => {
    throw new Error('the disk is full')
  }
  let at = 1_700_000_000_000
  const { events, send, settled } = webhookTo(t, url, { outbox, now: () => at })
  send()
  t.match(await settled(), [{ kind: 'error', message: 'reports wait: the disk is full' }])
  send()
  await new Promise(setImmediate)
  t.equal(seen.length, 1, 'no attempt for a minute')
  outbox.outbox.remove = remove
  at += 61_000
  send()
  while (outbox.reports.size > 0) await new Promise(resolve => setTimeout(resolve, 5))
  t.equal(seen.length, 4, 'then all three, the first one again')
  t.match(events.slice(1), [{ outcome: 'delivered' }, { outcome: 'delivered' }])
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
  good.send()
  t.match(await good.settled(), [{ outcome: 'delivered' }])
  t.equal(seen.length, 1)
  // Also for an address that is there: nothing bypasses the proxy.
  const bad = webhookTo(t, url, { dispatcher: throughProxy(at) })
  bad.send()
  t.match(await bad.settled(), [{ outcome: 'failed', reason: /proxy refused the name \(403\)/ }])
  t.equal(seen.length, 1)
  t.match(asked, ['hook.test:80', `127.0.0.1:${port}`, /./, /./])
})
