import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createArchive } from '../../../src/engine/archive.ts'

/** The silence, in milliseconds, that a test waits for. */
const short = 200
/** One that a busy machine does not cause, for tests that expect an answer. */
const long = 10_000

/** Serves one engine on a socket; `handle` answers its requests. */
async function fakeEngine(
  t: Test,
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
  idle = long,
) {
  // Not a test folder: the path of a socket has to be short.
  const folder = await mkdtemp(join(tmpdir(), 'archive-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 's')
  const clients = new Set<Socket>()
  const closed: Promise<unknown>[] = []
  const server = createServer((...exchange) => void handle(...exchange)).on(
    'connection',
    socket => {
      clients.add(socket)
      closed.push(new Promise(resolve => socket.once('close', resolve)))
    },
  )
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  t.teardown(() => {
    for (const socket of clients) socket.destroy()
    server.close()
  })
  return { archive: createArchive({ socketPath }, idle), closed: () => Promise.all(closed) }
}

async function text(chunks: AsyncIterable<unknown>) {
  let all = ''
  for await (const chunk of chunks) all += chunk
  return all
}

const silence = (purpose: string) => ({
  message: `cannot ${purpose}: the container engine was silent for 0.2 s`,
  hint: /doctor/,
})

t.test('an archive comes out unchanged', async t => {
  const asked: string[] = []
  const { archive } = await fakeEngine(t, (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.end('tar')
  })
  t.equal(await text(await archive.get('c', '/workspace')), 'tar')
  t.same(asked, ['GET /containers/c/archive?path=%2Fworkspace'])
})

t.test('an engine that sends no answer ends the transfer and its connection', async t => {
  const { archive, closed } = await fakeEngine(t, () => {}, short)
  await t.rejects(archive.get('c', '/workspace'), silence('read /workspace of the container'))
  await closed()
})

t.test('an engine that stops in the middle of an archive ends it', async t => {
  const { archive, closed } = await fakeEngine(t, (_, response) => response.write('half'), short)
  const read = async () => text(await archive.get('c', '/workspace'))
  await t.rejects(read, silence('read /workspace of the container'))
  await closed()
})

t.test('a download ends when the caller aborts it, before and after its first byte', async t => {
  const { archive, closed } = await fakeEngine(t, (_, response) => {
    response.write('half')
  })
  const controller = new AbortController()
  const stream = await archive.get('c', '/workspace', controller.signal)
  const read = text(stream)
  controller.abort(new Error('interrupted'))
  await t.rejects(read, { message: 'interrupted' })
  await closed()
  await t.rejects(archive.get('c', '/workspace', controller.signal), { message: 'interrupted' })
})

t.test('a slow reader and a slow engine are not silent', async t => {
  const idle = 600
  const answer = async (_: IncomingMessage, response: ServerResponse) => {
    for (let i = 0; i < 40; i++) {
      response.write('x'.repeat(10_000))
      await sleep(idle / 20)
    }
    response.end()
  }
  const { archive } = await fakeEngine(t, answer, idle)
  let bytes = 0
  for await (const chunk of await archive.get('c', '/workspace')) {
    if (bytes === 0) await sleep(idle * 2)
    bytes += chunk.length
  }
  t.equal(bytes, 400_000)
})

t.test('errors of the engine keep their own message', async t => {
  const { archive } = await fakeEngine(t, (request, response) => {
    request.resume()
    response.writeHead(404).end('{"message":"no such container"}')
  })
  await t.rejects(archive.get('c', '/workspace'), { message: /no such container/ })
})
