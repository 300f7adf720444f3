import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { token } from './fixture.ts'
import { startRunning } from './running.ts'

/** Parses server-sent events as a browser does. */
function parse(stream: string) {
  return stream
    .split('\n\n')
    .filter(block => block.startsWith('id:'))
    .map(block => {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? ''
      return { id: field('id'), event: field('event'), data: JSON.parse(field('data')) }
    })
}

t.test('events of an ended run are replayed, from any of them', async t => {
  const { run, ask, open } = await startRunning(t)
  const { body } = await run({ prompt: 'hello', workspace: 'a' })
  const path = `/run/events?runId=${body.runId}`
  const answer = await ask(path)
  t.match(answer, { status: 200, headers: { 'content-type': 'text/event-stream' } })
  const all = parse(answer.text)
  t.equal(all[0]?.event, 'started')
  t.match(all.at(-1), { event: 'ended', data: { result: { result: 'hello', isError: false } } })
  const result = all.find(({ data }) => data.message?.type === 'result')
  t.match(result, { event: 'claude', data: { message: { totalCostUsd: 0.1, isError: false } } })

  const after = async (id: string) =>
    parse(await text(await open(path, { headers: { 'last-event-id': id } })))
  t.same(
    (await after(all[1]?.id ?? '')).map(({ id }) => id),
    all.slice(2).map(({ id }) => id),
  )
  for (const id of ['999', 'x', '0123456789abcdef-3', '-1']) {
    t.equal((await after(id)).length, all.length, `${id} is unknown: from the beginning`)
  }
  t.match(await ask('/run/events?runId=0123456789abcdef'), { status: 404 })
  t.match(await ask('/run/events'), { status: 422 })
})

t.test('events arrive while the run goes on, and a stream ends with it', async t => {
  const { run, ask, open } = await startRunning(t, { limits: { keepAliveMilliseconds: 20 } })
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  const answer = await open(`/run/events?runId=${body.runId}`)
  let stream = ''
  answer.on('data', chunk => {
    stream += chunk
  })
  const ended = once(answer, 'end')
  const isKept = () => /^: keep-alive$/m.test(stream)
  t.ok(await until(isKept, { every: 10, timeout: 60_000 }))
  await ask(`/run/cancel?runId=${body.runId}`, { method: 'POST' })
  await ended
  t.match(parse(stream).at(-1), { event: 'ended', data: { result: { status: 'cancelled' } } })
})

t.test('a token has a number of streams, and one that is closed makes room', async t => {
  const { run, open } = await startRunning(t, { limits: { streams: 1 } })
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  const path = `/run/events?runId=${body.runId}`
  const first = await open(path)
  t.equal(first.statusCode, 200)
  t.equal((await open(path)).statusCode, 429)
  first.destroy()
  const again = async () => (await open(path)).statusCode === 200
  t.ok(await until(again, { every: 20, timeout: 60_000 }))
  t.equal((await open(path)).statusCode, 429, 'for one and no more')
})

t.test('a stream that was pipelined makes room when its client leaves', async t => {
  const { run, open, port, of } = await startRunning(t, { limits: { streams: 1 } })
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  const path = `/run/events?runId=${body.runId}`
  const engine = of('main')
  const { events } = engine
  let isRead = false
  engine.events = (...given) => {
    isRead = true
    return events(...given)
  }
  const head = `Host: localhost\r\nAuthorization: Bearer ${token}\r\n`
  const waiting = JSON.stringify({ prompt: 'silent', workspace: 'b' })
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write(
    `POST /run HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: ${waiting.length}\r\n\r\n${waiting}` +
      `GET ${path} HTTP/1.1\r\n${head}\r\n`,
  )
  const probe = async () => {
    const answer = await open(path)
    answer.destroy()
    return answer.statusCode
  }
  // Another stream that came first would take its place.
  t.ok(await until(() => isRead, { every: 20, timeout: 60_000 }))
  t.equal(await probe(), 429, 'the pipelined stream counts')
  socket.destroy()
  t.ok(await until(async () => (await probe()) === 200, { every: 20, timeout: 60_000 }))
})

t.test('a reader that reads nothing is closed, and the run goes on', async t => {
  const { run, port, ask, app } = await startRunning(t, { limits: { stalledMilliseconds: 200 } })
  const { body } = await run({ prompt: 'flood 2000', workspace: 'a', async: true })
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  socket.pause()
  socket.write(
    `GET /run/events?runId=${body.runId} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`,
  )
  for (;;) {
    const { body: found } = await ask(`/run/result?runId=${body.runId}`)
    if ('result' in found) break
    await sleep(50)
  }
  const connections = promisify(app.server.getConnections.bind(app.server))
  await until(async () => (await connections()) === 0, { every: 20, timeout: 60_000 })
  const closed = once(socket, 'close')
  socket.resume()
  await closed
  t.ok(socket.bytesRead < 18_000_000, `${socket.bytesRead} bytes of 20 MB were sent`)
})

t.test('a server that closes ends its streams', async t => {
  const { run, open, app } = await startRunning(t)
  const { body } = await run({ prompt: 'silent', workspace: 'a', async: true })
  const answer = await open(`/run/events?runId=${body.runId}`)
  const closed = app.close()
  t.match(parse(await text(answer))[0], { event: 'started' })
  await closed
})
