import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createNetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createRunEngine } from '../../../src/run/engine.ts'
import { createMemoryLease } from '../../../src/run/memory-lease.ts'
import { RunRequest } from '../../../src/run/request.ts'
import type { RunnerRequest } from '../../../src/run/runner-protocol.ts'
import { createSocketTransport } from '../../../src/run/socket-transport.ts'
import { memoryStore } from '../../support/run/fake-transport.ts'
import { until } from '../../support/stack/process.ts'
import { startRunner } from './fixture.ts'

function requestFor(workspace: string, prompt: string): RunnerRequest {
  return {
    ...{ version: 1, runId: randomBytes(8).toString('hex'), workspace },
    request: RunRequest.parse({ prompt }),
    ...{ asks: false, questionSeconds: 60 },
  }
}

async function all<T>(values: AsyncIterable<T>) {
  const found: T[] = []
  for await (const value of values) found.push(value)
  return found
}

/** The engine in front of a runner on a socket. */
function engineOn(transport: ReturnType<typeof createSocketTransport>, patience = {}) {
  const { store, runs } = memoryStore()
  const lease = createMemoryLease()
  const now = () => new Date()
  return { ...createRunEngine({ workers: () => transport, store, lease, now, patience }), runs }
}

/** A server in the place of a runner. */
async function standIn(t: Test, listener: RequestListener) {
  const root = mkdtempSync(join(tmpdir(), 'stand-in-'))
  const server = createServer(listener)
  const socketPath = join(root, 's')
  server.listen(socketPath)
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
    rmSync(root, { recursive: true })
  })
  return { socketPath, readToken: async () => 'x'.repeat(16) }
}

t.test('a run goes over the socket, and the runner tells what it does', async t => {
  const runner = await startRunner(t, { warm: 2 })
  const transport = createSocketTransport(runner.address)
  const workspace = join(runner.root, 'workspace')
  const connection = await transport.open(requestFor(workspace, 'hello'))
  const events = await all(connection.events)
  t.match(events[0], { kind: 'started', warm: false })
  t.match(events.at(-1), { kind: 'ended', outcome: 'completed' })
  t.match(await transport.status(), { runs: [], warm: [{ workspace }], landlock: false })
  const a = join(runner.root, 'workspaces/a')
  t.equal(await transport.warm(a, { model: 'haiku' }), true)
  t.match((await transport.status()).warm, [{ workspace }, { workspace: a }])
  await t.rejects(transport.warm('/etc'), { message: /answered 400: cannot use \/etc/ })
})

t.test('a cancel is confirmed by the runner, and so is the end of a closed connection', async t => {
  const runner = await startRunner(t)
  const transport = createSocketTransport(runner.address)
  const workspace = join(runner.root, 'workspace')
  const cancelled = await transport.open(requestFor(workspace, 'silent'))
  cancelled.cancel()
  t.match((await all(cancelled.events)).at(-1), { kind: 'ended', outcome: 'cancelled' })
  const closed = await transport.open(requestFor(workspace, 'silent'))
  t.equal((await transport.status()).runs.length, 1)
  closed.close()
  await until('the run to end', async () => (await transport.status()).runs.length === 0)
  await t.rejects(all(closed.events))
})

t.test('an answer reaches the run that asks', async t => {
  const runner = await startRunner(t)
  const engine = engineOn(createSocketTransport(runner.address))
  const questions = [{ question: 'Which?', multiSelect: false, options: [{ label: 'this' }] }]
  const ask = { tool_name: 'AskUserQuestion', input: { questions } }
  const run = engine.start(
    { prompt: `ask ${JSON.stringify(ask)}` },
    { workspace: join(runner.root, 'workspace'), asks: true },
  )
  for await (const event of run.events) {
    if (event.kind === 'question') await engine.answer(run.id, { 'Which?': 'this' })
  }
  t.match(await run.result, { status: 'succeeded', claude: { result: /"Which\?":"this"/ } })
})

t.test('what the runner refuses is refused by the engine, with the reason', async t => {
  const runner = await startRunner(t)
  const engine = engineOn(createSocketTransport(runner.address))
  const refused = engine.start({ prompt: 'x' }, { workspace: '/etc' })
  await t.rejects(refused.result, { code: 'workspace' })
  t.equal(engine.runs.size, 0)
})

t.test('a runner that cannot be reached, or refuses the token, starts no run', async t => {
  const runner = await startRunner(t)
  const { socketPath, readToken } = runner.address
  const cases = [
    [{ socketPath: `${socketPath}-missing`, readToken }, /cannot reach the worker: ENOENT/],
    [{ socketPath, readToken: async () => 'another-token-of-a-neighbour' }, /refused the token/],
    [
      { socketPath, readToken: () => Promise.reject(new Error('secret words')) },
      /its token cannot be read \(unknown error\)$/,
    ],
  ] as const
  for (const [address, message] of cases) {
    const engine = engineOn(createSocketTransport(address))
    const { result } = engine.start({ prompt: 'x' }, { workspace: join(runner.root, 'workspace') })
    await t.rejects(result, { code: 'unreachable', message })
    t.equal(engine.runs.size, 0)
  }
  await runner.stop()
  const stopped = createSocketTransport(runner.address).status()
  await t.rejects(stopped, { code: 'unreachable', message: /ENOENT|ECONNREFUSED/ })
})

t.test('the way to a runner that a run closes is opened again, and waited for', async t => {
  const runner = await startRunner(t, {
    openAccess: () => chmodSync(runner.address.socketPath, 0o777),
  })
  const { socketPath } = runner.address
  chmodSync(runner.root, 0o755)
  const transport = createSocketTransport(runner.address)
  const workspace = join(runner.root, 'workspace')
  const { events, cancel } = await transport.open(requestFor(workspace, 'silent'))
  chmodSync(socketPath, 0)
  // Modes do not stop root.
  if (process.getuid?.() === 0) process.seteuid?.(65534)
  const asked = transport.status()
  await sleep(150)
  if (process.getuid?.() === 0) process.seteuid?.(0)
  t.match(await asked, { runs: [{ workspace }] })
  await until('the runner to open it', async () => (statSync(socketPath).mode & 0o777) === 0o777)
  cancel()
  t.match((await all(events)).at(-1), { kind: 'ended', outcome: 'cancelled' })
})

t.test('the death of the runner is a lost connection, and frees the workspace', async t => {
  const address = await standIn(t, (request, response) => {
    response.writeHead(200)
    response.write('{"kind":"notice","text":"first"}\n')
    setTimeout(() => request.socket.destroy(), 20)
  })
  const engine = engineOn(createSocketTransport(address))
  for (let i = 0; i < 2; i++) {
    t.match(await engine.start({ prompt: 'x' }, { workspace: '/w' }).result, {
      status: 'failed',
      error: { code: 'connection-lost', words: 'the worker closed it' },
    })
  }
})

t.test('a runner that takes the request and never answers may have begun', async t => {
  const root = mkdtempSync(join(tmpdir(), 'mute-'))
  const server = createNetServer(socket => socket.resume())
  server.listen(join(root, 's'))
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    rmSync(root, { recursive: true })
  })
  const address = { socketPath: join(root, 's'), readToken: async () => 'x'.repeat(16) }
  const engine = engineOn(createSocketTransport(address, { answer: 50 }))
  t.match(await engine.start({ prompt: 'x' }, { workspace: '/w' }).result, {
    status: 'failed',
    error: { code: 'connection-lost', words: 'no answer within 0.05 s' },
  })
})

t.test('a silent run goes on while the runner answers, and is lost when it does not', async t => {
  let asked = 0
  let isHung = false
  const address = await standIn(t, (request, response) => {
    if (request.url === '/run') {
      response.writeHead(200)
      response.flushHeaders()
    } else if (isHung) {
      request.socket.destroy()
    } else {
      asked++
      response.end('{"runs":[],"warm":[],"landlock":true}')
    }
  })
  const engine = engineOn(createSocketTransport(address, { idle: 10 }))
  const run = engine.start({ prompt: 'x' }, { workspace: '/w' })
  await until('some looks', async () => asked > 3)
  isHung = true
  t.match(await run.result, {
    status: 'failed',
    error: { code: 'connection-lost', words: /^the worker does not answer: ECONNRESET/ },
  })
})

t.test('a hostile runner fills no memory: lines and answers are bounded', async t => {
  const address = await standIn(t, (request, response) => {
    response.writeHead(200)
    if (request.url === '/run') {
      const piece = 'x'.repeat(1024 * 1024)
      for (let i = 0; i < 20; i++) response.write(piece)
      return response.end('\n{"kind":"refused","reason":"busy","message":"m"}\n')
    }
    return response.end('x'.repeat(2 * 1024 * 1024))
  })
  const transport = createSocketTransport(address)
  const { events } = await transport.open(requestFor('/w', 'x'))
  t.match(await all(events), [{ kind: 'notice', text: /not an event/ }, { kind: 'refused' }])
  await t.rejects(transport.status(), { message: /larger than 1048576 bytes/ })
})
