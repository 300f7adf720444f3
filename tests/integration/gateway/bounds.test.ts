import { once } from 'node:events'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import t from 'tap'
import { request } from 'undici'
import { genuine, placeholder, sendRaw, startGateway, startOrigin, until } from './fixture.ts'

const head = `POST /v1/messages HTTP/1.1\r\nHost: g\r\nx-api-key: ${placeholder}\r\n`

t.test('a body over the limit is 413, whether its size is announced or not', async t => {
  let begun = 0
  let complete = 0
  const upstream = await startOrigin(t, (incoming, response) => {
    begun++
    incoming.resume().on('end', () => {
      complete++
      response.end('{}')
    })
  })
  const limits = { bodyBytes: 1024 * 1024 }
  const { url } = await startGateway(t, { upstream, limits })
  const body = Buffer.alloc(limits.bodyBytes + 1, 'x')
  async function* unannounced() {
    for (let i = 0; i < body.length; i += 65_536) yield body.subarray(i, i + 65_536)
  }
  for (const [sent, passedOn] of [
    [body, 0],
    [Readable.from(unannounced()), 1],
  ] as const) {
    const answer = await request(`${url}/v1/messages`, {
      method: 'POST',
      headers: genuine,
      body: sent,
    })
    t.equal(answer.statusCode, 413)
    t.match(await answer.body.json(), { error: { type: 'request_too_large' } })
    t.equal(begun, passedOn, 'an announced size is refused before the origin hears of it')
  }
  t.equal(complete, 0, 'the origin never has the whole of it')
  const fits = await request(`${url}/v1/messages`, {
    method: 'POST',
    headers: genuine,
    body: body.subarray(1),
  })
  t.equal(fits.statusCode, 200, 'one byte less passes')
  await fits.body.dump()
})

t.test('a connection goes on after an answer that came before the body was read', async t => {
  const upstream = await startOrigin(t, (_incoming, response) => response.writeHead(401).end('{}'))
  const { port } = await startGateway(t, { upstream })
  const size = 8 * 1024 * 1024
  const answers = await sendRaw(
    port,
    `${head}Content-Length: ${size}\r\n\r\n${'x'.repeat(size)}HEAD / HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n`,
  )
  t.match(answers, /^HTTP\/1\.1 401 [\s\S]*HTTP\/1\.1 200 OK/)
})

t.test('more requests at once than allowed are told so, and the place comes back', async t => {
  const waiting: (() => void)[] = []
  const upstream = await startOrigin(t, (incoming, response) => {
    incoming.resume()
    waiting.push(() => response.end('{}'))
  })
  const { url } = await startGateway(t, { upstream, limits: { concurrentRequests: 2 } })
  const post = () => request(`${url}/v1/messages`, { method: 'POST', headers: genuine, body: '{}' })
  const first = [post(), post()]
  await until(() => waiting.length === 2)
  const refused = await post()
  t.equal(refused.statusCode, 529)
  t.equal(refused.headers['x-should-retry'], 'true')
  t.match(await refused.body.json(), { error: { type: 'overloaded_error' } })
  for (const end of waiting) end()
  for (const answer of await Promise.all(first)) await answer.body.dump()
  const next = post()
  await until(() => waiting.length === 3)
  waiting[2]?.()
  t.equal((await next).statusCode, 200)
  await (await next).body.dump()
})

t.test('half a request does not hold its connection for ever', async t => {
  const upstream = await startOrigin(t, (incoming, response) => {
    incoming.resume().on('end', () => response.end('{}'))
  })
  const slow = { receiveHeadersMilliseconds: 300, receiveMilliseconds: 600 }
  const { port } = await startGateway(t, { upstream, limits: slow })
  t.match(await sendRaw(port, 'POST /v1/messages HTTP/1.1\r\nHost: g\r\n'), /^HTTP\/1\.1 408 /)
  t.match(await sendRaw(port, `${head}Content-Length: 10\r\n\r\nabc`), /^HTTP\/1\.1 408 /)
})

t.test('a connection too many is closed', async t => {
  const upstream = await startOrigin(t, (_request, response) => response.end('{}'))
  const { port } = await startGateway(t, { upstream, limits: { connections: 1 } })
  const first = connect(port, '127.0.0.1')
  t.teardown(() => first.destroy())
  // The gateway has taken it when it answers.
  first.write('HEAD / HTTP/1.1\r\nHost: g\r\n\r\n')
  t.match(String(await once(first, 'data')), /^HTTP\/1\.1 200 /)
  t.equal(await sendRaw(port, 'HEAD / HTTP/1.1\r\nHost: g\r\n\r\n'), '')
})

t.test('what is no request, or two in one, is refused and passed to nobody', async t => {
  let reached = 0
  const upstream = await startOrigin(t, (_request, response) => {
    reached++
    response.end('{}')
  })
  const { port, events } = await startGateway(t, { upstream })
  const cases: [string, string, RegExp][] = [
    ['noise', 'noise\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['TLS', '\x16\x03\x01\x02\x00', /^HTTP\/1\.1 400 /],
    ['no host', 'POST /v1/messages HTTP/1.1\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['two lengths', `${head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, /^HTTP\/1\.1 400 /],
    [
      'length and chunks',
      `${head}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      /^HTTP\/1\.1 400 /,
    ],
    ['folded header', `${head}a: b\r\n c\r\n\r\n`, /^HTTP\/1\.1 400 /],
    ['too many headers', `${head}a: ${'b'.repeat(40_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
  ]
  for (const [name, bytes, expected] of cases) {
    t.match(await sendRaw(port, bytes), expected, name)
  }
  t.equal(reached, 0)
  const roomy = `a: ${'b'.repeat(20_000)}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
  t.match(await sendRaw(port, head + roomy), /^HTTP\/1\.1 200 /, 'long headers within the bound')
  t.ok(events.some(({ kind }) => kind === 'malformed'))
  const next = await sendRaw(port, 'HEAD / HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n')
  t.match(next, /^HTTP\/1\.1 200 /, 'and the gateway still serves')
})
