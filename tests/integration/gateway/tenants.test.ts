import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { request } from 'undici'
import { signPlaceholder, signRunName } from '../../../src/base/run-placeholder.ts'
import type { Credential } from '../../../src/gateway/credential.ts'
import { dayOf, readDay } from '../../../src/usage/day-files.ts'
import { startStandIn } from '../../support/messages-api/stand-in.ts'
import { apiKey, type RunningGateway, startGateway, startOrigin, until } from './fixture.ts'

const meter = '0123456789abcdef'
const [runA, runB] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'] as const
const model = 'claude-opus-5'

type Budget = { usdPerDay?: number; tokensPerDay?: number }
type Tenant = ReturnType<typeof tenantOf>

function tenantOf(tenant: string, budget: Budget = {}) {
  const placeholder = `sk-ant-api03-placeholder-${tenant}`
  return { tenant, placeholder, meterKey: tenant.padEnd(43, 'k'), budget }
}

const blue = tenantOf('blue')
const red = tenantOf('red')
const of = (...callers: Tenant[]): Credential => ({ ...apiKey, callers })
const signer = ({ placeholder, meterKey: key }: Tenant) => ({ placeholder, key })

const prompt = (content: string, more = {}) =>
  JSON.stringify({ model, stream: true, messages: [{ role: 'user', content }], ...more })

async function ask(url: string, key: string, headers = {}, body = prompt('[[say hi]]')) {
  const answer = await request(`${url}/v1/messages`, {
    method: 'POST',
    headers: { 'x-api-key': key, 'content-type': 'application/json', ...headers },
    body,
  })
  return { status: answer.statusCode, text: await answer.body.text() }
}

async function announce(url: string, headers: Record<string, string>) {
  const answer = await request(`${url}/`, { method: 'HEAD', headers })
  await answer.body.dump()
  return answer.statusCode
}

/** The headers in which a runner announces a run. */
function announcement(tenant: Tenant, run: string, at = Date.now() + 1) {
  const mac = signRunName(signer(tenant), { meter, run, at })
  return {
    'x-claude-secure-meter': meter,
    'x-claude-secure-run': run,
    'x-claude-secure-proof': `${at}.${mac}`,
  }
}

/** A tenant's counts as they are on disk, when there are as many requests as that. */
async function counted({ usageFolder }: RunningGateway, tenant: string, requests: number) {
  for (;;) {
    const { tally } = await readDay(join(usageFolder, tenant), dayOf(new Date()))
    const found = tally.entries()
    if (found.reduce((sum, entry) => sum + entry.requests, 0) >= requests) return found
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

async function standIn(t: Parameters<typeof startGateway>[0]) {
  const api = await startStandIn()
  t.teardown(() => api.close())
  return api
}

t.test('each tenant is counted in a folder of its own', async t => {
  const api = await standIn(t)
  const gateway = await startGateway(t, { upstream: api.httpUrl, credential: of(blue, red) })
  t.equal((await ask(gateway.url, blue.placeholder)).status, 200)
  t.equal((await ask(gateway.url, red.placeholder)).status, 200)
  t.equal((await ask(gateway.url, red.placeholder)).status, 200)
  t.match(await counted(gateway, 'blue', 1), [{ requests: 1 }])
  t.match(await counted(gateway, 'red', 2), [{ requests: 2 }])
  t.equal(statSync(join(gateway.usageFolder, 'blue')).mode & 0o777, 0o700)
  t.notOk(existsSync(join(gateway.usageFolder, `${dayOf(new Date())}.0.ndjson`)))
  for (const { rawHeaders } of api.requests) {
    t.match(rawHeaders.join('\n'), /SENTINEL-key/, 'both by the one real key')
    t.notMatch(rawHeaders.join('\n'), /placeholder/)
  }
})

t.test('nobody but a tenant is served', async t => {
  const api = await standIn(t)
  const { url } = await startGateway(t, { upstream: api.httpUrl, credential: of(blue) })
  for (const key of [apiKey.placeholder, red.placeholder, signPlaceholder(signer(red), meter)]) {
    t.match(await ask(url, key), { status: 403, text: /is not the stack's placeholder/ })
  }
  t.equal(api.requests.length, 0)
})

t.test('a placeholder is worth something on the network of its tenant alone', async t => {
  const api = await standIn(t)
  const gateway = await startGateway(t, {
    upstream: api.httpUrl,
    credential: of(blue, red),
    from: ['blue'],
  })
  t.equal((await ask(gateway.url, blue.placeholder)).status, 200)
  t.equal(api.requests.length, 1)
  const carried = await ask(gateway.url, red.placeholder)
  t.equal(carried.status, 403)
  t.match(carried.text, /belongs to another network/)
  const signed = await ask(gateway.url, signPlaceholder(signer(red), meter))
  t.equal(signed.status, 403)
  t.equal(api.requests.length, 1, 'neither reached the model')
  t.equal(await announce(gateway.url, announcement(red, runA)), 403)
  t.equal(await announce(gateway.url, announcement(blue, runA)), 200)
})

t.test("a tenant's budget stops that tenant alone, and applies when the file changes", async t => {
  const api = await standIn(t)
  const poor = tenantOf('blue', { tokensPerDay: 1 })
  const gateway = await startGateway(t, { upstream: api.httpUrl, credential: of(poor, red) })
  const { url, credentialFile } = gateway
  t.equal((await ask(url, poor.placeholder)).status, 200)
  await counted(gateway, 'blue', 1)
  t.match(await ask(url, poor.placeholder), {
    status: 402,
    text: /the token budget of this day \(UTC\) for the tenant blue is used up/,
  })
  t.match(await ask(url, signPlaceholder(signer(poor), meter)), { status: 402 }, 'nor its runs')
  t.equal((await ask(url, red.placeholder)).status, 200, 'another tenant')

  const rich = tenantOf('blue', { tokensPerDay: 1_000_000, usdPerDay: 0.0000001 })
  writeFileSync(credentialFile, JSON.stringify(of(rich, red)))
  t.match(await ask(url, poor.placeholder), {
    status: 402,
    text: /the budget of this day \(UTC\) for the tenant blue.*usdPerDay of the tenant/,
  })
  writeFileSync(credentialFile, JSON.stringify(of(blue, red)))
  t.equal((await ask(url, poor.placeholder)).status, 200, 'no budget any more')
})

t.test('a stack’s budget holds for each tenant without one of its own', async t => {
  const api = await standIn(t)
  const own = tenantOf('red', { usdPerDay: 100 })
  const gateway = await startGateway(t, {
    upstream: api.httpUrl,
    credential: of(blue, own),
    dayBudgetUsd: 0.0000001,
  })
  for (const tenant of [blue, own]) await ask(gateway.url, tenant.placeholder)
  await counted(gateway, 'blue', 1)
  await counted(gateway, 'red', 1)
  t.equal((await ask(gateway.url, blue.placeholder)).status, 402)
  t.equal((await ask(gateway.url, own.placeholder)).status, 200)
})

t.test('100 requests abandoned before their answer spend a token budget', async t => {
  const got: string[] = []
  const upstream = await startOrigin(t, async (incoming, response) => {
    response.on('error', () => {})
    try {
      got.push((await incoming.toArray()).join(''))
    } catch {}
  })
  const small = tenantOf('blue', { tokensPerDay: 32_000 })
  const { url } = await startGateway(t, { upstream, credential: of(small, red) })
  const statuses: number[] = []
  for (let i = 0; i < 100; i++) {
    const caller = new AbortController()
    const answer = request(`${url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': small.placeholder },
      body: prompt('x', { max_tokens: 32_000 }),
      signal: caller.signal,
    }).then(
      async ({ statusCode, body }) => {
        statuses.push(statusCode)
        await body.dump()
      },
      () => {},
    )
    await until(() => got.length + statuses.length > i)
    caller.abort()
    await answer
  }
  t.equal(got.length, 1, 'the model has got one of them')
  t.equal(statuses.length, 99)
  t.match(await ask(url, small.placeholder), { status: 402, text: /token budget/ })
})

t.test('a signed placeholder names the process, and no header overrides it', async t => {
  const api = await standIn(t)
  const gateway = await startGateway(t, { upstream: api.httpUrl, credential: of(blue, red) })
  const { url } = gateway
  const forged = { 'x-claude-secure-meter': runB }
  t.equal((await ask(url, signPlaceholder(signer(blue), meter), forged)).status, 200)
  t.equal((await ask(url, blue.placeholder, forged)).status, 200)
  const changed = signPlaceholder(signer(blue), meter).replace(meter, runB)
  t.equal((await ask(url, changed)).status, 403, 'a changed meter')
  const found = await counted(gateway, 'blue', 2)
  t.strictSame(found.map(({ meter }) => meter).sort(), [meter, 'interactive'])
  for (const { rawHeaders } of api.requests) t.notMatch(rawHeaders.join('\n'), /meter/i)
})

t.test('only the key announces a run, once, and for its own tenant', async t => {
  const api = await standIn(t)
  const gateway = await startGateway(t, { upstream: api.httpUrl, credential: of(blue, red) })
  const { url } = gateway
  const key = signPlaceholder(signer(blue), meter)
  const first = announcement(blue, runA)
  t.equal(await announce(url, { ...first, 'x-claude-secure-proof': '' }), 403, 'without a proof')
  t.equal(await announce(url, { ...first, 'x-claude-secure-run': runB }), 403, 'for another run')
  t.equal(await announce(url, announcement(red, runB)), 200, 'a process of the same name')
  t.equal(await announce(url, first), 200)
  await ask(url, key)
  t.equal(await announce(url, announcement(blue, runB, Date.now() + 50)), 200)
  t.equal(await announce(url, first), 403, 'again, when the process serves the next run')
  await ask(url, key)
  const found = await counted(gateway, 'blue', 2)
  t.strictSame(found.map(({ meter }) => meter).sort(), [runA, runB])
  t.equal(await announce(url, {}), 200, 'the health check proves nothing, and needs nothing')
})

t.test('sessions and agents divide the usage of a process', async t => {
  const api = await standIn(t)
  const gateway = await startGateway(t, { upstream: api.httpUrl, credential: of(blue) })
  const session = '0b6f3f0e-1111-4222-8333-444455556666'
  const key = signPlaceholder(signer(blue), meter)
  const main = { 'x-claude-code-session-id': session }
  const sub = { ...main, 'x-claude-code-agent-id': 'a1', 'x-claude-code-parent-agent-id': 'a0' }
  await ask(gateway.url, key, main)
  await ask(gateway.url, key, sub)
  await ask(gateway.url, key, { ...main, 'x-claude-code-agent-id': '../../etc' })
  const found = await counted(gateway, 'blue', 3)
  t.strictSame(
    found.map(({ session, agent, parentAgent }) => [session, agent, parentAgent]),
    [
      [session, undefined, undefined],
      [session, 'a1', 'a0'],
      [session, 'other', undefined],
    ],
  )
  await gateway.close()
  const day = dayOf(new Date())
  const text = readFileSync(join(gateway.usageFolder, 'blue', `${day}.0.ndjson`), 'utf8')
  t.notMatch(text, /etc|sk-ant|placeholder/)
})

t.test('a tenant with too many requests leaves the others theirs', async t => {
  const waiting: (() => void)[] = []
  const upstream = await startOrigin(t, (incoming, response) => {
    incoming.resume()
    waiting.push(() => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  })
  const gateway = await startGateway(t, {
    upstream,
    credential: of(blue, red),
    limits: { concurrentRequests: 8 },
  })
  const { url } = gateway
  const many = Array.from({ length: 20 }, () => ask(url, blue.placeholder))
  await until(() => gateway.events.filter(event => 'status' in event).length === 14)
  const other = ask(url, red.placeholder)
  await until(() => waiting.length === 7)
  for (const end of waiting) end()
  t.equal((await other).status, 200)
  const statuses = (await Promise.all(many)).map(({ status, text }) => ({ status, text }))
  t.equal(statuses.filter(({ status }) => status === 200).length, 6)
  t.match(
    statuses.find(({ status }) => status === 529)?.text,
    /8 are already in flight, or kept for other tenants/,
  )
  const logged = gateway.events.flatMap(event => ('tenant' in event ? [event.tenant] : []))
  t.ok(logged.includes('blue') && logged.includes('red'))
})
