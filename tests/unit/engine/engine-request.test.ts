import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { engineGet, engineUpgrade } from '../../../src/engine/engine-request.ts'

/** A server on a socket of its own that answers with `pieces`, and then closes unless told otherwise. */
async function serve(t: Test, pieces: string[], options: { open?: boolean } = {}) {
  // Not a test folder: the path of a socket has to be short.
  const folder = await mkdtemp(join(tmpdir(), 'engine-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 's')
  const seen: string[] = []
  const clients: Socket[] = []
  const server = createServer(socket => {
    clients.push(socket)
    socket.on('error', () => {})
    socket.once('data', async request => {
      seen.push(request.toString())
      for (const piece of pieces) {
        socket.write(piece)
        await new Promise(resolve => setTimeout(resolve, 5))
      }
      if (!options.open) socket.end()
    })
  })
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  t.teardown(() => {
    for (const socket of clients) socket.destroy()
    server.close()
  })
  return { address: { socketPath }, seen }
}

async function text(body: AsyncIterable<Buffer>) {
  let all = ''
  for await (const chunk of body) all += chunk
  return all
}

t.test('an answer is complete, however it is split', async t => {
  const { address, seen } = await serve(t, ['HTTP/1.0 2', '00 OK\r\nA: b\r\n', '\r', '\nhel', 'lo'])
  const { status, body } = await engineGet(address, '/path?x=1')
  t.equal(status, 200)
  t.equal(await text(body), 'hello')
  t.match(seen[0], /^GET \/path\?x=1 HTTP\/1\.0\r\n/)
})

t.test('other statuses are answers too', async t => {
  const { address } = await serve(t, ['HTTP/1.1 404 Not Found\r\n\r\n{}'])
  t.equal((await engineGet(address, '/')).status, 404)
})

t.test('an answer that is not HTTP, ends too early or has an endless head is an error', async t => {
  for (const [pieces, message] of [
    [['hello\r\n\r\n'], /not HTTP/],
    [['HTTP/1.0 200 OK\r\n'], /ended before/],
    [['HTTP/1.0 200 OK\r\n', 'x'.repeat(100_000)], /no end/],
  ] as const) {
    const { address } = await serve(t, [...pieces])
    await t.rejects(engineGet(address, '/'), { message })
  }
})

t.test('a silent engine is a timeout', async t => {
  const { address } = await serve(t, [], { open: true })
  await t.rejects(engineGet(address, '/', { idleMilliseconds: 50 }), {
    message: /no answer in 0.05 s/,
    code: 'ETIMEDOUT',
  })
})

t.test('a silent upgrade is a timeout too, but an open stream may be silent', async t => {
  const silent = await serve(t, [], { open: true })
  await t.rejects(engineUpgrade(silent.address, '/', {}, 50), { message: /no answer in 0.05 s/ })
  const { address } = await serve(t, ['HTTP/1.1 101 UPGRADED\r\n\r\n'], { open: true })
  const { socket } = await engineUpgrade(address, '/', {}, 50)
  await new Promise(resolve => setTimeout(resolve, 150))
  t.notOk(socket.destroyed)
  socket.destroy()
})

t.test('no engine is an error with its code', async t => {
  await t.rejects(engineGet({ socketPath: '/nowhere/s' }, '/'), { code: 'ENOENT' })
})

t.test('an abort ends a followed log', async t => {
  const { address } = await serve(t, ['HTTP/1.0 200 OK\r\n\r\none'], { open: true })
  const controller = new AbortController()
  const { body } = await engineGet(address, '/', { signal: controller.signal })
  setTimeout(() => controller.abort(), 20)
  await t.rejects(text(body))
})
