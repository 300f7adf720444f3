import { once } from 'node:events'
import t from 'tap'
import { until } from '../../support/stack/process.ts'
import { openSocket, startWeb } from './fixture.ts'

const stack = 'claude-secure-shop-0a1b2c3d'
const path = `/terminal?stack=${stack}&columns=80&rows=24`

t.test('keys, output and sizes pass; the end says what the agent left', async t => {
  const { socket, terminals } = await startWeb(t)
  const { client, texts, output, closed } = await openSocket(socket(path))
  client.send(Buffer.from('ls\r'))
  client.send(JSON.stringify({ columns: 120, rows: 40 }))
  const terminal = await until('the terminal', async () => terminals[0])
  await until('the keys', async () => terminal.typed() === 'ls\r')
  await until('the size', async () => terminal.sizes.at(-1)?.columns === 120)
  terminal.print(Buffer.from('grün \u001b[1m'))
  await until('the output', async () => output() === 'welcome\r\ngrün \u001b[1m')
  terminal.end()
  await closed
  t.same(texts, [{ ended: true, status: 0, error: null, notices: ['moved .envrc away'] }])
})

t.test('a page that leaves hangs up its terminal', async t => {
  const { socket, terminals } = await startWeb(t)
  const { client } = await openSocket(socket(path))
  const terminal = await until('the terminal', async () => terminals[0])
  client.terminate()
  await until('the end', async () => terminal.stream.destroyed)
  t.pass('the session is free for the next terminal')
})

t.test('an unknown stack is refused by name', async t => {
  const { socket } = await startWeb(t)
  const unknown = 'claude-secure-none-00000000'
  const { texts, closed } = await openSocket(
    socket(`/terminal?stack=${unknown}&columns=80&rows=24`),
  )
  await closed
  t.match(texts, [{ ended: true, status: null, error: `no running stack is called ${unknown}` }])
})

t.test('a slow page slows the terminal down, and memory stays bounded', async t => {
  const { socket, terminals, app } = await startWeb(t, { limits: { terminalBytes: 256 * 1024 } })
  const { client, output } = await openSocket(socket(path))
  const terminal = await until('the terminal', async () => terminals[0])
  // The page stops reading its connection.
  client.pause()
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let printed = 0
  // The stream takes no more once its reader has stopped.
  await until('the terminal to be held', async () => {
    for (let i = 0; i < 64 && terminal.stream.readableLength === 0; i++) {
      terminal.print(chunk)
      printed += chunk.length
      await new Promise(setImmediate)
    }
    return terminal.stream.readableLength > 0 && terminal.stream.isPaused()
  })
  t.ok(app)
  client.resume()
  await until('all output', async () => output().length === 'welcome\r\n'.length + printed)
})

t.test('a message that is too large or malformed closes the websocket', async t => {
  const { socket } = await startWeb(t, { limits: { messageBytes: 1024 } })
  for (const [message, code] of [
    [Buffer.alloc(2048), 1009],
    ['{"columns":80}', 1008],
    ['{', 1008],
    ['{"columns":80,"rows":24,"more":1}', 1008],
  ] as const) {
    const { client } = await openSocket(socket(path))
    const closed = once(client, 'close')
    client.send(message)
    t.equal((await closed)[0], code)
  }
})

t.test('a page that vanished is found, and its terminal hung up', async t => {
  const { socket, terminals } = await startWeb(t, { limits: { pingMilliseconds: 50 } })
  const { client } = await openSocket(socket(path, { autoPong: false }))
  await until('the terminal', async () => terminals[0])
  await once(client, 'close')
  await until('the hang-up', async () => terminals[0]?.stream.destroyed)
  t.pass('within two pings')
})
