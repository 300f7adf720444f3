import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import t from 'tap'
import { request } from 'undici'
import { startStandIn } from '../../support/messages-api/stand-in.ts'
import { genuine, placeholder, startGateway, startOrigin, until } from './fixture.ts'

const post = (url: string, body: string, signal?: AbortSignal) =>
  request(`${url}/v1/messages`, { method: 'POST', headers: genuine, body, signal })

t.test('an answer arrives byte for byte, encoded as it was sent', async t => {
  const stream = Buffer.from(
    'event: ping\ndata: {"type":"ping"}\n\n: \u0000\u{1F600}\r\n\n'.repeat(99),
  )
  for (const [encoding, sent] of [
    ['identity', stream],
    ['gzip', gzipSync(stream)],
  ] as const) {
    const upstream = await startOrigin(t, (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': encoding })
      response.end(sent)
    })
    const { url } = await startGateway(t, { upstream })
    const answer = await post(url, '{}')
    t.equal(answer.headers['content-encoding'], encoding)
    t.ok(Buffer.from(await answer.body.arrayBuffer()).equals(sent), encoding)
  }
})

t.test('headers and each event pass at once, not when the answer is complete', async t => {
  let finish = () => {}
  let say = (_text: string) => {}
  const upstream = await startOrigin(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    say = text => response.write(text)
    finish = () => response.end()
  })
  const { url, requestEvent } = await startGateway(t, { upstream })
  const answer = await post(url, '{"model":"m"}')
  t.equal(answer.statusCode, 200, 'before the first byte of the body')
  const chunks = answer.body[Symbol.asyncIterator]()
  for (const text of ['event: ping\n\n', 'event: message_start\n\n']) {
    say(text)
    t.equal(String((await chunks.next()).value), text)
  }
  finish()
  t.equal((await chunks.next()).done, true)
  t.match(await requestEvent(), { outcome: 'answered', model: 'm', requestBytes: 13 })
})

t.test('events that come together are passed on together', async t => {
  const events = Array.from({ length: 200 }, (_, index) => `data: ${index}\n\n`)
  const upstream = await startOrigin(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const event of events) response.write(event)
    response.end()
  })
  const { port } = await startGateway(t, { upstream })
  // Not undici, whose bodies would join the pieces themselves.
  const call = httpRequest({ port, method: 'POST', path: '/v1/messages', headers: genuine })
  call.end('{}')
  const [answer] = await once(call, 'response')
  const pieces: Buffer[] = []
  answer.on('data', (piece: Buffer) => pieces.push(piece))
  await once(answer, 'end')
  t.equal(Buffer.concat(pieces).toString(), events.join(''))
  t.ok(pieces.length < events.length / 2, `${pieces.length} pieces`)
})

t.test('a request passes piece by piece, too', async t => {
  let received = ''
  const upstream = await startOrigin(t, (incoming, response) => {
    incoming.on('data', chunk => {
      received += chunk
    })
    incoming.on('end', () => response.end('{}'))
  })
  const { port } = await startGateway(t, { upstream })
  const socket = connect(port, '127.0.0.1')
  socket.write(
    `POST /v1/messages HTTP/1.1\r\nHost: g\r\nx-api-key: ${placeholder}\r\nContent-Length: 6\r\n\r\nabc`,
  )
  await until(() => received === 'abc')
  socket.write('def')
  const [answer] = await once(socket, 'data')
  t.match(String(answer), /^HTTP\/1\.1 200 /)
  t.equal(received, 'abcdef')
  socket.destroy()
})

t.test('an error of the origin passes unchanged', async t => {
  const error = '{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'
  const upstream = await startOrigin(t, (_request, response) => {
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' }).end(error)
  })
  const { url, requestEvent } = await startGateway(t, { upstream })
  const answer = await post(url, '{}')
  t.equal(answer.statusCode, 429)
  t.equal(answer.headers['retry-after'], '7')
  t.equal(await answer.body.text(), error)
  t.match(await requestEvent(), { status: 429, outcome: 'answered' })
})

t.test('a redirect is an answer, not a way to another origin', async t => {
  let elsewhere = 0
  const other = await startOrigin(t, (_request, response) => {
    elsewhere++
    response.end()
  })
  const upstream = await startOrigin(t, (_request, response) => {
    response.writeHead(307, { location: `${other}/v1/messages` }).end()
  })
  const { url } = await startGateway(t, { upstream })
  const answer = await post(url, '{}')
  t.equal(answer.statusCode, 307)
  t.equal(answer.headers.location, undefined)
  t.equal(elsewhere, 0)
})

t.test('a caller that reads slowly slows the origin down; nothing piles up here', async t => {
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let written = 0
  const upstream = await startOrigin(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const fill = () => {
      while (written < 4_000 * chunk.length) {
        written += chunk.length
        if (!response.write(chunk)) return response.once('drain', fill)
      }
      response.end()
    }
    fill()
  })
  const { url } = await startGateway(t, { upstream })
  const answer = await post(url, '{}')
  await once(answer.body, 'readable')
  let before = -1
  while (before !== written) {
    before = written
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  // What is left are the buffers of the sockets: a few MiB of the 250.
  t.ok(written < 32 * 1024 * 1024, `stands still at ${written} bytes`)
  let read = 0
  for await (const piece of answer.body) read += piece.length
  t.equal(read, 4_000 * chunk.length, 'and goes on when the caller reads')
})

t.test('an origin that reads slowly slows the caller down', async t => {
  const upstream = await startOrigin(t, () => {})
  const { port } = await startGateway(t, { upstream })
  const socket = connect(port, '127.0.0.1')
  const size = 30 * 1024 * 1024
  socket.write(
    `POST /v1/messages HTTP/1.1\r\nHost: g\r\nx-api-key: ${placeholder}\r\nContent-Length: ${size}\r\n\r\n`,
  )
  socket.write(Buffer.alloc(size, 'x'))
  let before = -1
  while (before !== socket.bytesWritten - socket.writableLength) {
    before = socket.bytesWritten - socket.writableLength
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  t.ok(socket.writableLength > 0, 'the caller still holds some of its body')
  socket.destroy()
})

t.test('a caller that leaves takes its request to the origin with it', async t => {
  const standIn = await startStandIn()
  t.teardown(() => standIn.close())
  const { url, requestEvent } = await startGateway(t, { upstream: standIn.httpUrl })
  const ask = (content: string) =>
    JSON.stringify({ stream: true, messages: [{ role: 'user', content }] })

  const leave = new AbortController()
  const answer = await post(url, ask('[[stream 100000 10]]'), leave.signal)
  await once(answer.body, 'readable')
  leave.abort()
  answer.body.on('error', () => {})
  await until(() => standIn.requests[0]?.outcome === 'gone')
  t.match(await requestEvent(), { outcome: 'client-gone' }, 'in the middle of an answer')

  const leaveEarly = new AbortController()
  const waiting = post(url, ask('[[delay 3600000]]'), leaveEarly.signal)
  await until(() => standIn.requests.length === 2)
  leaveEarly.abort()
  await t.rejects(waiting)
  await until(() => standIn.requests[1]?.outcome === 'gone')
  t.pass('before an answer')
})

t.test('an answer that breaks off upstream breaks off here, too', async t => {
  const standIn = await startStandIn()
  t.teardown(() => standIn.close())
  const { url, requestEvent } = await startGateway(t, { upstream: standIn.httpUrl })
  const content = '[[stream 10 1]] [[drop 3]]'
  const body = JSON.stringify({ stream: true, messages: [{ role: 'user', content }] })
  const answer = await post(url, body)
  t.equal(answer.statusCode, 200)
  await t.rejects(answer.body.text(), 'a clean end would look like a whole answer')
  t.match(await requestEvent(), { outcome: 'upstream-broken', responseBytes: Number })
})

t.test('an origin that falls silent is given up', async t => {
  const upstream = await startOrigin(t, (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('event: ping\n\n')
  })
  const { url } = await startGateway(t, { upstream, limits: { idleMilliseconds: 300 } })
  const answer = await post(url, '{}')
  await t.rejects(answer.body.text())
})
