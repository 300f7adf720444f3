import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { openLocalPort } from '../../../../src/stack/forward/local-port.ts'
import { PortClosed } from '../../../../src/stack/forward/tunnel.ts'

async function freePort() {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A connection that answers what it got, in capitals, once its client ended. */
function shouting(): Duplex {
  let heard = ''
  return new Duplex({
    read() {},
    write(chunk, _encoding, done) {
      heard += chunk
      done()
    },
    final(done) {
      this.push(heard.toUpperCase())
      this.push(null)
      done()
    },
  })
}

async function open(t: Test, answer: () => Promise<Duplex>, onClosedPort = () => {}) {
  const port = await freePort()
  const close = await openLocalPort({ port: 5173, local: port }, answer, onClosedPort)
  t.teardown(close)
  return { port, close }
}

async function ask(port: number, sent: string, host = '127.0.0.1') {
  const socket = connect({ host, port, allowHalfOpen: true })
  socket.end(sent)
  return text(socket)
}

t.test('both directions are carried to their end', async t => {
  const { port } = await open(t, async () => shouting())
  t.equal(await ask(port, 'hello'), 'HELLO')
})

t.test('only the loopback listens', async t => {
  const { port } = await open(t, async () => shouting())
  const addresses = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ internal, family }) => !internal && family === 'IPv4')
  for (const { address } of addresses) {
    await t.rejects(ask(port, 'hello', address), { code: 'ECONNREFUSED' }, address)
  }
  t.equal(await ask(port, 'hello'), 'HELLO')
})

t.test('a foreign Host gets a sentence, and nothing goes to the container', async t => {
  const stream = shouting()
  const { port } = await open(t, async () => stream)
  const answer = await ask(port, 'GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n')
  t.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n[\s\S]*the Host of the request is not localhost\n$/)
  t.ok(stream.destroyed)
})

t.test('a browser reads that nothing listens; another client is closed', async t => {
  let closed = 0
  const { port } = await open(
    t,
    () => Promise.reject(new PortClosed('nothing listens on port 5173')),
    () => {
      closed++
    },
  )
  const answer = await ask(port, 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  t.match(answer, /^HTTP\/1\.1 502 [\s\S]*nothing listens on port 5173 in the container yet\n$/)
  t.match(await ask(port, 'GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n'), /^HTTP\/1\.1 403 /)
  t.equal(await ask(port, 'PING\r\n'), '')
  t.equal(closed, 3)
})

t.test('a port in use is two lines', async t => {
  const { port } = await open(t, async () => shouting())
  await t.rejects(
    openLocalPort(
      { port: 5173, local: port },
      async () => shouting(),
      () => {},
    ),
    {
      message: `127.0.0.1:${port} is in use`,
      hint: /choose another port of this host: \uE000forward 5173:\d+\uE001$/,
    },
  )
})

t.test('its end closes what is open', async t => {
  const { port, close } = await open(t, async () => new Duplex({ read() {}, write() {} }))
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  const ended = once(socket, 'close')
  close()
  socket.on('error', () => {})
  await ended
  await t.rejects(ask(port, ''), { code: 'ECONNREFUSED' })
})

t.test('connections beyond the limit are closed', async t => {
  const { port } = await open(t, async () => new Duplex({ read() {}, write() {} }))
  const sockets = Array.from({ length: 140 }, () => connect(port, '127.0.0.1'))
  let closed = 0
  for (const socket of sockets) {
    socket.on('error', () => {})
    socket.on('close', () => {
      closed++
    })
  }
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  while (closed < 12) await new Promise(resolve => setTimeout(resolve, 10))
  t.equal(closed, 12)
})
