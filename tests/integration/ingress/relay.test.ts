import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { until } from '../../../src/base/async.ts'
import { parseIngressSettings } from '../../../src/ingress/ingress-settings.ts'
import { createRelay, type RelayOptions } from '../../../src/ingress/relay.ts'

async function listen(t: Test, server: Server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

async function relayTo(t: Test, target: Server, connections = 10) {
  return (await openRelay(t, target, { connections })).port
}

async function openRelay(t: Test, target: Server, options: Partial<RelayOptions>) {
  const host = '127.0.0.1'
  const port = await listen(t, target)
  const relay = createRelay({
    target: { host, port },
    connections: 10,
    lingerTimeout: 500,
    ...options,
  })
  return { relay, port: await listen(t, relay) }
}

/** Connects a client that never reads, so that its window closes. */
async function deafClient(t: Test, relay: Server, port: number) {
  const accepted = once(relay, 'connection')
  const client = connect({ port, host: '127.0.0.1' })
  client.on('error', () => {})
  client.pause()
  t.teardown(() => client.destroy())
  const [socket]: Socket[] = await accepted
  if (!socket) throw new Error('the relay accepted no client')
  return { client, accepted: socket }
}

t.test(
  'bytes arrive unchanged both ways, and the end of one way leaves the other open',
  async t => {
    const target = createServer({ allowHalfOpen: true }, socket => {
      const chunks: Buffer[] = []
      socket.on('data', chunk => chunks.push(chunk))
      // Answers only after the client's end: a relay that closed both would lose the answer.
      socket.on('end', () => socket.end(Buffer.concat(chunks).reverse()))
    })
    const client = connect({
      port: await relayTo(t, target),
      host: '127.0.0.1',
      allowHalfOpen: true,
    })
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))
    client.end(sent)
    const received: Buffer[] = []
    for await (const chunk of client) received.push(chunk)
    t.ok(Buffer.concat(received).equals(Buffer.from(sent).reverse()))
  },
)

t.test('a slow reader stops its writer', async t => {
  let written = 0
  const target = createServer(socket => {
    const chunk = Buffer.alloc(64 * 1024)
    const write = () => {
      while (written < 200_000_000 && socket.write(chunk)) written += chunk.length
    }
    socket.on('drain', write)
    socket.on('error', () => {})
    write()
  })
  const client = connect({ port: await relayTo(t, target), host: '127.0.0.1' })
  client.pause()
  await once(client, 'connect')
  // Until nothing more is written: a client that is read for would come to the end.
  await until(
    async () => {
      const before = written
      await sleep(500)
      return written > 0 && written === before
    },
    { every: 0, timeout: 60_000 },
  )
  t.ok(written < 50_000_000, `${written} bytes wait for a client that reads none`)
  client.destroy()
})

t.test('a client that never reads is closed after the server has left it', async t => {
  const target = createServer(socket => {
    const chunk = Buffer.alloc(64 * 1024)
    const write = () => {
      while (socket.write(chunk));
      // As the server does with a client that does not read.
      setTimeout(() => socket.destroy(), 100)
    }
    socket.on('error', () => {})
    write()
  })
  const { relay, port } = await openRelay(t, target, { stallTimeout: 500 })
  const { accepted } = await deafClient(t, relay, port)
  t.ok(await until(async () => accepted.destroyed, { every: 20, timeout: 60_000 }))
})

t.test('a server that never reads loses its client', async t => {
  const target = createServer(socket => {
    socket.pause()
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
  })
  const { relay, port } = await openRelay(t, target, { stallTimeout: 500 })
  const { client, accepted } = await deafClient(t, relay, port)
  client.write(Buffer.alloc(50_000_000))
  t.ok(await until(async () => accepted.destroyed, { every: 20, timeout: 60_000 }))
})

t.test('the last bytes of an answer do not wait forever for a client that never reads', async t => {
  const served = createServer({ allowHalfOpen: true })
  const connected = once(served, 'connection')
  const { relay, port } = await openRelay(t, served, { stallTimeout: 500 })
  const { accepted } = await deafClient(t, relay, port)
  const [socket]: Socket[] = await connected
  if (!socket) throw new Error('the relay did not connect')
  socket.resume()
  // Little more than the client's window takes: only the last bytes wait.
  const piece = Buffer.alloc(8 * 1024)
  let sent = 0
  while (accepted.writableLength === 0 && sent < 100_000_000) {
    socket.write(piece)
    sent += piece.length
    await until(async () => accepted.bytesWritten === sent, { every: 0, timeout: 60_000 })
  }
  t.ok(accepted.writableLength > 0, 'bytes wait for the client')
  socket.end()
  t.ok(await until(async () => accepted.destroyed, { every: 20, timeout: 60_000 }))
})

t.test('the last bytes of a request do not wait forever for a server that never reads', async t => {
  const served = createServer(socket => {
    socket.pause()
    socket.on('error', () => {})
    t.teardown(() => socket.destroy())
  })
  const connects: Socket[] = []
  const remember = (message: unknown) => connects.push((message as { socket: Socket }).socket)
  subscribe('net.client.socket', remember)
  t.teardown(() => unsubscribe('net.client.socket', remember))
  // The stall bound is longer than the test: what ends the connection is the linger bound.
  const { relay, port } = await openRelay(t, served, { stallTimeout: 600_000 })
  const { client } = await deafClient(t, relay, port)
  const upstream = await until(async () => connects[1], { every: 20, timeout: 60_000 })
  if (!upstream) throw new Error('the relay did not connect')
  // Little more than the server's window takes, so that the relay still reads and sees the client's end.
  const piece = Buffer.alloc(8 * 1024)
  let sent = 0
  while (upstream.writableLength === 0 && sent < 100_000_000) {
    client.write(piece)
    sent += piece.length
    await until(async () => upstream.bytesWritten === sent, { every: 0, timeout: 60_000 })
  }
  t.ok(upstream.writableLength > 0, 'bytes wait for the server')
  client.end()
  t.ok(await until(async () => upstream.destroyed, { every: 20, timeout: 60_000 }))
})

t.test('a client that reads slowly gets the whole answer', async t => {
  const whole = Buffer.alloc(20_000_000)
  // No part is like another one, so that bytes of another place are noticed.
  for (let at = 0; at < whole.length; at += 4) whole.writeUInt32LE(at, at)
  const target = createServer(socket => {
    socket.on('error', () => {})
    socket.end(whole)
  })
  const { port } = await openRelay(t, target, { stallTimeout: 3_000, lingerTimeout: 6_000 })
  const client = connect({ port, host: '127.0.0.1' })
  const received: Buffer[] = []
  for await (const chunk of client) {
    received.push(chunk)
    // Longer in all than the relay waits for a byte.
    await sleep(10)
  }
  t.ok(Buffer.concat(received).equals(whole))
})

t.test('a client that leaves closes its connection to the server', async t => {
  const open = new Set<unknown>()
  const target = createServer(socket => {
    open.add(socket)
    socket.resume()
    socket.on('error', () => {})
    socket.on('close', () => open.delete(socket))
  })
  const client = connect({ port: await relayTo(t, target), host: '127.0.0.1' })
  client.write('GET / HTTP/1.1\r\n\r\n')
  t.ok(await until(async () => open.size === 1, { every: 20, timeout: 60_000 }))
  client.destroy()
  t.ok(await until(async () => open.size === 0, { every: 20, timeout: 60_000 }))
})

t.test('a server that is down closes the client, and the relay goes on', async t => {
  const gone = createServer()
  const port = await relayTo(t, gone)
  gone.close()
  await once(gone, 'close')
  for (let attempt = 0; attempt < 3; attempt++) {
    const client = connect({ port, host: '127.0.0.1' })
    client.on('error', () => {})
    await once(client, 'close')
  }
  t.pass('three clients were closed')
})

t.test('connections above the bound are closed', async t => {
  const port = await relayTo(
    t,
    createServer(socket => socket.on('error', () => {})),
    2,
  )
  const clients = Array.from({ length: 3 }, () => connect({ port, host: '127.0.0.1' }))
  let closed = 0
  for (const client of clients) {
    client.on('error', () => {})
    client.on('close', () => {
      closed += 1
    })
  }
  t.ok(await until(async () => closed === 1, { every: 20, timeout: 60_000 }))
  for (const client of clients) client.destroy()
})

t.test('the settings name a port and a target', async t => {
  t.same(parseIngressSettings({}), { port: 8080, target: { host: 'server', port: 8080 } })
  t.throws(() => parseIngressSettings({ INGRESS_TARGET: 'http://x' }), /INGRESS_TARGET/)
  t.throws(() => parseIngressSettings({ INGRESS_PORT: '70000' }), /INGRESS_PORT/)
})
