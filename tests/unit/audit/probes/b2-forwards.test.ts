import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import t, { type Test } from 'tap'
import { forwards } from '../../../../src/audit/probes/b2-forwards.ts'
import type { Scene } from '../../../../src/audit/scene.ts'
import { openLocalPort } from '../../../../src/stack/forward/local-port.ts'
import { recordForwards } from '../../../../src/stack/forward/record.ts'
import { stateFolder } from '../../../../src/stack/state/state-folder.ts'

const stack = 'claude-secure-app-00000001'
const onLoopback = 'forwarded ports listen on the loopback only'
const ownPages = 'forwarded ports answer only pages of this machine'

/** A dev server that answers every request. */
function willing(): Duplex {
  return new Duplex({
    read() {},
    write(_chunk, _encoding, done) {
      this.push('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      done()
    },
  })
}

async function freePort() {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Returns the claims that are open while this process holds a forward of the port. */
async function openClaims(t: Test, local: number) {
  const state = await mkdtemp(join(tmpdir(), 'forwards-'))
  t.teardown(() => rm(state, { recursive: true }))
  const before = process.env.XDG_STATE_HOME
  process.env.XDG_STATE_HOME = state
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  })
  await recordForwards(stateFolder(stack), [{ service: 'claude', port: 5173, local }])
  const checks = await forwards.run({ stack: { stack } } as unknown as Scene)
  t.strictSame(
    checks.map(({ claim }) => claim),
    [onLoopback, ownPages],
  )
  return checks.filter(({ verdict }) => verdict === 'open').map(({ claim }) => claim)
}

t.test('with all controls no check is open', async t => {
  const port = await freePort()
  t.teardown(
    await openLocalPort(
      { port: 5173, local: port },
      async () => willing(),
      () => {},
    ),
  )
  t.strictSame(await openClaims(t, port), [])
})

/** Listens as a forward that lacks a control. */
async function without(t: Test, host: string, answer: (head: string) => boolean) {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', head => {
      const status = answer(head.toString()) ? '200 OK' : '403 Forbidden'
      socket.end(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\n\r\n`)
    })
  })
  await once(server.listen(0, host), 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

t.test('a forward on every address is open', async t => {
  t.strictSame(await openClaims(t, await without(t, '0.0.0.0', () => false)), [onLoopback])
})

t.test('a forward that answers another website is open', async t => {
  t.strictSame(await openClaims(t, await without(t, '127.0.0.1', () => true)), [ownPages])
})

t.test('a forward that judges known methods alone is open', async t => {
  const judging = (head: string) => !/^[A-Z]+ /.test(head)
  t.strictSame(await openClaims(t, await without(t, '127.0.0.1', judging)), [ownPages])
})
