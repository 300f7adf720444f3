import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { prepareExec, startExecStream } from '../../../src/engine/container-exec.ts'
import { closeServer } from '../../support/close-server.ts'

function frame(stream: 1 | 2, text: string) {
  const payload = Buffer.from(text)
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(payload.length, 4)
  return Buffer.concat([header, payload])
}

/** An engine that runs one command: what it was asked, and the connection to the command. */
async function fakeEngine(t: Test) {
  // Not a test folder: the path of a socket has to be short.
  const folder = await mkdtemp(join(tmpdir(), 'exec-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 's')
  const asked: string[] = []
  let upgraded: (socket: Socket) => void = () => {}
  const stream = new Promise<Socket>(resolve => {
    upgraded = resolve
  })
  const answer = (socket: Socket, status: number, body: object) =>
    socket.end(`HTTP/1.0 ${status} x\r\n\r\n${JSON.stringify(body)}`)
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    socket.once('data', data => {
      const [line = ''] = data.toString().split('\r\n')
      asked.push(data.toString())
      if (line.includes('/start')) {
        socket.write('HTTP/1.1 101 UPGRADED\r\n\r\n')
        upgraded(socket)
      } else if (line.startsWith('POST')) answer(socket, 201, { Id: 'abc' })
      else answer(socket, 200, { ExitCode: 7 })
    })
  })
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  closeServer(t, server)
  return { address: { socketPath }, asked, stream }
}

t.test('a command has its input, output and exit status', async t => {
  const { address, asked, stream } = await fakeEngine(t)
  const id = await prepareExec(address, {
    container: 'c',
    command: ['cat', '--', '$HOME'],
    workingDirectory: '/',
  })
  t.match(asked[0], /"Cmd":\["cat","--","\$HOME"\]/)
  t.match(asked[0], /"Tty":false/)
  const exec = await startExecStream(address, id)
  const socket = await stream
  let input = ''
  socket.on('data', chunk => {
    input += chunk
  })
  exec.write('hello')
  exec.end()
  await new Promise(resolve => socket.once('end', resolve))
  t.equal(input, 'hello', 'its input was closed')
  socket.write(frame(2, `${'x'.repeat(9_000)} last words`))
  socket.end(frame(1, 'answer'))
  let output = ''
  for await (const chunk of exec.stdout) output += chunk
  t.equal(output, 'answer', 'and its output went on')
  t.match(exec.stderr(), / last words$/)
  t.equal(exec.stderr().length, 4_096, 'bounded')
  t.equal(await exec.exitStatus(), 7)
})
