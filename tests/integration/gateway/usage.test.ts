import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { request } from 'undici'
import { dayOf, readDay } from '../../../src/usage/day-files.ts'
import { startStandIn } from '../../support/messages-api/stand-in.ts'
import { genuine, startGateway, startOrigin, until } from './fixture.ts'

const run = '0123456789abcdef'
const model = 'claude-opus-5'
const prompt = (content: string, more = {}) =>
  JSON.stringify({ model, stream: true, messages: [{ role: 'user', content }], ...more })

const post = (url: string, body: string, headers = {}, path = '/v1/messages') =>
  request(`${url}${path}`, { method: 'POST', headers: { ...genuine, ...headers }, body })

async function entries(folder: string) {
  return (await readDay(folder, dayOf(new Date()))).tally.entries()
}

/** The counts as they are on disk, when there are as many requests as that. */
async function counted(folder: string, requests: number) {
  for (;;) {
    const found = await entries(folder)
    if (found.reduce((sum, entry) => sum + entry.requests, 0) >= requests) return found
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

async function standIn(t: Parameters<typeof startGateway>[0]) {
  const standIn = await startStandIn()
  t.teardown(() => standIn.close())
  return standIn
}

t.test('streamed and whole answers are counted; counting tokens is free', async t => {
  const { httpUrl } = await standIn(t)
  const { url, usageFolder } = await startGateway(t, { upstream: httpUrl })
  const streamed = await (await post(url, prompt('[[stream 10 0 50]]'))).body.text()
  await (await post(url, prompt('[[say whole]]', { stream: false }))).body.text()
  await (await post(url, prompt('x'), {}, '/v1/messages/count_tokens')).body.text()
  const found = await counted(usageFolder, 2)
  t.equal(found.length, 1)
  const start = /"input_tokens":(\d+)/.exec(streamed)
  t.match(found[0], {
    meter: 'interactive',
    model,
    requests: 2,
    errors: 0,
    broken: 0,
    uncounted: 0,
  })
  t.ok((found[0]?.input ?? 0) > Number(start?.[1]), 'both questions')
  t.ok((found[0]?.output ?? 0) > 10, 'both answers')
  t.ok((found[0]?.costUsd ?? 0) > 0)
})

t.test('a run is counted under its name, which the origin does not see', async t => {
  const api = await standIn(t)
  const { url, usageFolder } = await startGateway(t, { upstream: api.httpUrl })
  await (await post(url, prompt('[[say hi]]'), { 'X-Claude-Secure-Meter': run })).body.text()
  await (
    await post(url, prompt('[[say hi]]'), { 'X-Claude-Secure-Meter': 'forged/..' })
  ).body.text()
  const found = await counted(usageFolder, 2)
  t.strictSame(found.map(({ meter }) => meter).sort(), [run, 'interactive'])
  for (const { rawHeaders } of api.requests) t.notMatch(rawHeaders.join('\n'), /meter/i)
})

t.test('errors, and answers that break off', async t => {
  const { httpUrl } = await standIn(t)
  const { url, usageFolder } = await startGateway(t, { upstream: httpUrl })
  t.equal((await post(url, prompt('[[error 529]]'))).statusCode, 529)
  t.match(await counted(usageFolder, 1), [{ errors: 1, input: 0, estimatedUsd: 0 }])
  const dropped = await post(url, prompt('[[drop 3]][[stream 10 50 500]]'))
  await t.rejects(dropped.body.text())
  const [entry] = await counted(usageFolder, 2)
  t.match(entry, { requests: 2, errors: 1, broken: 1, uncounted: 0 })
  t.ok((entry?.input ?? 0) > 0, 'what was said at the beginning')
  t.ok((entry?.estimatedUsd ?? 0) > (entry?.costUsd ?? 0), 'estimates the output that was seen')
})

t.test('a caller who leaves in the middle is counted, too', async t => {
  const { httpUrl } = await standIn(t)
  const { url, usageFolder } = await startGateway(t, { upstream: httpUrl })
  const answer = await post(url, prompt('[[stream 1000 20 100]]'))
  const chunks = answer.body[Symbol.asyncIterator]()
  await chunks.next()
  answer.body.destroy()
  answer.body.on('error', () => {})
  t.match(await counted(usageFolder, 1), [{ broken: 1, model }])
})

t.test('an unreadable answer passes unchanged, and its cost is estimated', async t => {
  for (const [what, headers, body] of [
    ['compressed', { 'content-encoding': 'gzip' }, gzipSync('event: ping\n\n')],
    ['of no known kind', { 'content-type': 'image/png' }, Buffer.from('png')],
    ['hostile', {}, Buffer.from(`event: message_start\ndata: ${'{"a":'.repeat(50_000)}\n\n`)],
  ] as const) {
    const upstream = await startOrigin(t, (incoming, response) => {
      incoming.resume()
      response.writeHead(200, { 'content-type': 'text/event-stream', ...headers })
      response.end(body)
    })
    const { url, usageFolder } = await startGateway(t, { upstream })
    const answer = await post(url, prompt('x'))
    t.ok(Buffer.from(await answer.body.arrayBuffer()).equals(body), what)
    const [entry] = await counted(usageFolder, 1)
    t.match(entry, { uncounted: 1, costUsd: 0, input: 0 }, what)
    t.ok((entry?.estimatedUsd ?? 0) > 0, what)
  }
})

t.test('the origin is not asked for what would be compressed', async t => {
  const api = await standIn(t)
  const { url } = await startGateway(t, { upstream: api.httpUrl })
  await (await post(url, prompt('x'), { 'accept-encoding': 'gzip, br' })).body.text()
  const headers = api.requests[0]?.rawHeaders ?? []
  const index = headers.findIndex(name => name.toLowerCase() === 'accept-encoding')
  t.equal(headers[index + 1], 'identity')
})

t.test('a budget ends in a plain answer, and nothing of the request goes further', async t => {
  const api = await standIn(t)
  const usage = { upstream: api.httpUrl, dayBudgetUsd: 0.0000001 }
  const { url, usageFolder } = await startGateway(t, usage)
  t.equal((await post(url, prompt('[[say hi]]'))).statusCode, 200)
  await counted(usageFolder, 1)
  const asked = api.requests.length
  const refused = await post(url, prompt('[[say hi]]'))
  t.equal(refused.statusCode, 402)
  t.equal(refused.headers['x-should-retry'], 'false')
  t.match(await refused.body.json(), {
    type: 'error',
    error: { type: 'billing_error', message: /BUDGET_USD_PER_DAY/ },
  })
  t.equal(api.requests.length, asked)
  const free = await post(url, prompt('x'), {}, '/v1/messages/count_tokens')
  t.equal(free.statusCode, 200, 'counting tokens is free')

  const next = await startGateway(t, { ...usage, usageFolder })
  t.equal((await post(next.url, prompt('[[say hi]]'))).statusCode, 402, 'also the next gateway')
})

/** An origin that does not answer before it is told to, and counts what it has got in whole. */
async function slowOrigin(t: Parameters<typeof startGateway>[0]) {
  const got: string[] = []
  const upstream = await startOrigin(t, async (incoming, response) => {
    try {
      got.push((await incoming.toArray()).join(''))
    } catch {
      return // The gateway withdrew the request before its end.
    }
    response.on('error', () => {})
  })
  return { upstream, got }
}

for (const how of ['one after the other', 'at once']) {
  t.test(`100 requests abandoned before their answer, ${how}, spend the budget`, async t => {
    const { upstream, got } = await slowOrigin(t)
    const { url } = await startGateway(t, { upstream, dayBudgetUsd: 0.05 })
    const statuses: number[] = []
    const ask = (caller: AbortController) =>
      request(`${url}/v1/messages`, {
        method: 'POST',
        headers: genuine,
        body: prompt('x', { max_tokens: 32_000 }),
        signal: caller.signal,
      }).then(
        async ({ statusCode, body }) => {
          statuses.push(statusCode)
          await body.dump()
        },
        () => {},
      )
    if (how === 'at once') {
      const caller = new AbortController()
      const answers = Array.from({ length: 100 }, () => ask(caller))
      await until(() => statuses.length >= 99)
      caller.abort()
      await Promise.all(answers)
    } else {
      for (let i = 0; i < 100; i++) {
        const caller = new AbortController()
        const answer = ask(caller)
        await until(() => got.length + statuses.length > i)
        caller.abort()
        await answer
      }
    }
    t.equal(got.length, 1, 'the model has got one of them')
    t.equal(statuses.length, 99)
    t.ok(
      statuses.every(status => [402, 429, 529].includes(status)),
      [...new Set(statuses)].join(),
    )
    t.equal((await post(url, prompt('x'))).statusCode, 402)
  })
}

t.test('when nothing can be written it serves on; with a budget it refuses', async t => {
  const { httpUrl } = await standIn(t)
  const free = await startGateway(t, { upstream: httpUrl })
  rmSync(free.usageFolder, { recursive: true })
  for (let i = 0; i < 3; i++) {
    t.equal((await post(free.url, prompt('[[say hi]]'))).statusCode, 200)
    await until(() => free.events.some(({ kind }) => kind === 'warn'))
  }
  const held = await startGateway(t, { upstream: httpUrl, dayBudgetUsd: 1_000 })
  rmSync(held.usageFolder, { recursive: true })
  await (await post(held.url, prompt('[[say hi]]'))).body.text()
  await until(() => held.events.some(({ kind }) => kind === 'warn'))
  const refused = await post(held.url, prompt('[[say hi]]'))
  t.equal(refused.statusCode, 503)
  t.match(await refused.body.text(), /the gateway cannot record usage \(ENOENT\)/)
})

t.test('nothing of question, answer or credential is in the files', async t => {
  const { httpUrl } = await standIn(t)
  const { url, usageFolder, close } = await startGateway(t, { upstream: httpUrl })
  const answer = await post(url, prompt('PROMPT-CANARY [[say ANSWER-CANARY]]', { stream: true }))
  t.match(await answer.body.text(), /ANSWER-CANARY/)
  await close()
  const names = readdirSync(usageFolder)
  t.ok(names.length > 0)
  for (const name of names) {
    t.notMatch(readFileSync(join(usageFolder, name), 'utf8'), /CANARY|SENTINEL|placeholder|sk-ant/)
  }
})
