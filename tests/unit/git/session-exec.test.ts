import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { inSession } from '../../../src/git/session-exec.ts'

/** An engine whose program is silent for ever; `onStart` is called when it is asked to start it. */
async function silentEngine(t: Test, onStart: () => void = () => {}) {
  // Not a test folder: the path of a socket has to be short.
  const folder = await mkdtemp(join(tmpdir(), 'session-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 's')
  const started = new Set<Socket>()
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', data => {
      if (!data.toString().split('\r\n')[0]?.includes('/start')) {
        return void socket.end('HTTP/1.0 201 x\r\n\r\n{"Id":"abc"}')
      }
      onStart()
      started.add(socket)
      socket.once('close', () => started.delete(socket))
      socket.write('HTTP/1.1 101 UPGRADED\r\n\r\n')
    })
  })
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  t.teardown(() => {
    for (const socket of started) socket.destroy()
    server.close()
  })
  return { address: { socketPath }, started }
}

const command = ['git', 'bundle']

t.test('an abort while the program starts ends it', async t => {
  const stop = new AbortController()
  const { address } = await silentEngine(t, () => stop.abort(new Error('stopped')))
  const place = { address, container: 'c', signal: stop.signal }
  let read = false
  const waiting = inSession(place, command, 100_000, async ({ stdout }) => {
    read = true
    return text(stdout)
  })
  await t.rejects(waiting, { message: 'stopped' })
  t.notOk(read)
})

t.test('an abort ends a program that is silent, and is the reason', async t => {
  const { address } = await silentEngine(t)
  const stop = new AbortController()
  const place = { address, container: 'c', signal: stop.signal }
  const waiting = inSession(place, command, null, async ({ stdout }) => {
    stop.abort(new Error('stopped'))
    return text(stdout)
  })
  await t.rejects(waiting, { message: 'stopped' })
})

t.test('a program that is silent longer than its caller is patient is ended', async t => {
  const { address, started } = await silentEngine(t)
  const place = { address, container: 'c' }
  await t.rejects(inSession(place, command, 50, ({ stdout }) => text(stdout)))
  while (started.size > 0) await new Promise(resolve => setTimeout(resolve, 10))
  t.pass('and its connection is closed')
})
