import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import t, { type Test } from 'tap'
import { createExec, startExec, type TerminalEnds } from '../../../src/engine/terminal-exec.ts'
import { closeServer } from '../../support/close-server.ts'

type Answer = { status: number; body: object }

/** Serves an engine with one exec, whose terminal echoes what is typed until it reads `q`. */
async function fakeEngine(t: Test, created: Answer, inspected: Answer) {
  // Not a test folder: the path of a socket has to be short.
  const folder = await mkdtemp(join(tmpdir(), 'terminal-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 's')
  const asked: string[] = []
  const answer = (socket: Socket, { status, body }: Answer) =>
    socket.end(`HTTP/1.0 ${status} x\r\n\r\n${JSON.stringify(body)}`)
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    socket.once('data', data => {
      asked.push(data.toString())
      const [line = ''] = data.toString().split('\r\n')
      if (line.includes('/resize')) return answer(socket, { status: 200, body: {} })
      if (line.startsWith('GET')) return answer(socket, inspected)
      if (!line.includes('/start')) return answer(socket, created)
      socket.write('HTTP/1.1 101 UPGRADED\r\n\r\nhello ')
      socket.on('data', typed => {
        socket.write(typed)
        if (String(typed).includes('q')) socket.end()
      })
    })
  })
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  closeServer(t, server)
  return { address: { socketPath }, asked }
}

function fakeTerminal() {
  const modes: boolean[] = []
  const input = Object.assign(new PassThrough(), {
    setRawMode: (raw: boolean) => modes.push(raw),
  })
  const output = Object.assign(new PassThrough(), { rows: 50, columns: 120 })
  return { ends: { input, output } as unknown as TerminalEnds, input, output, modes }
}

const exec = {
  ...{ container: 'c', command: ['sh'], workingDirectory: '/workspace' },
  ...{ env: ['A=b'], user: null },
}

t.test('a terminal is connected to the command, resized with it, and restored', async t => {
  const { address, asked } = await fakeEngine(
    t,
    { status: 201, body: { Id: 'abc' } },
    { status: 200, body: { ExitCode: 3 } },
  )
  const { ends, input, output, modes } = fakeTerminal()
  const id = await createExec(address, exec, ends.output)
  t.match(asked[0], /"Tty":true,"DetachKeys":"ctrl-@,ctrl-_","ConsoleSize":\[50,120\]/)
  t.match(asked[0], /"Env":\["A=b"\],"Cmd":\["sh"\],"WorkingDir":"\/workspace"/)
  t.notMatch(asked[0], /"User"/)
  const status = startExec(address, id, ends)
  await new Promise(resolve => output.once('readable', resolve))
  t.same(modes, [true])
  output.columns = 90
  output.emit('resize')
  input.write('typed q')
  t.equal(await status, 3)
  t.same(modes, [true, false], 'no longer raw')
  t.equal(String(output.read()), 'hello typed q')
  t.match(
    asked[1],
    /^POST \/exec\/abc\/start HTTP\/1\.1\r\n(?:.|\r|\n)*"Tty":true,"ConsoleSize":\[50,120\]/,
  )
  t.ok(asked.some(request => request.startsWith('POST /exec/abc/resize?h=50&w=90 ')))
})

t.test('a command that disappeared with its container, or still runs, has a status', async t => {
  for (const [inspected, expected] of [
    [{ status: 404, body: {} }, 137],
    [{ status: 200, body: { ExitCode: null } }, 129],
  ] as const) {
    const { address } = await fakeEngine(t, { status: 201, body: { Id: 'abc' } }, inspected)
    const { ends, input } = fakeTerminal()
    const status = startExec(address, 'abc', ends, { exitMilliseconds: 100 })
    input.write('q')
    t.equal(await status, expected)
  }
})

t.test('a status that the engine learns late is waited for', async t => {
  let looks = 0
  const body = {
    get ExitCode() {
      return looks++ < 25 ? null : 7
    },
  }
  const created = { status: 201, body: { Id: 'abc' } }
  const { address } = await fakeEngine(t, created, { status: 200, body })
  const { ends, input } = fakeTerminal()
  const status = startExec(address, 'abc', ends)
  input.write('q')
  t.equal(await status, 7)
})

t.test('an engine that refuses the command is an error with its status', async t => {
  const refused = { status: 409, body: { message: 'container is paused' } }
  const { address } = await fakeEngine(t, refused, refused)
  const { ends } = fakeTerminal()
  await t.rejects(createExec(address, exec, ends.output), {
    message: 'the container engine answered 409 to a command in the container',
    hint: /status/,
  })
  const nameless = await fakeEngine(t, { status: 201, body: { Id: '../x' } }, refused)
  await t.rejects(createExec(nameless.address, exec, ends.output), { message: /without an id/ })
})

t.test('a command can have another user', async t => {
  const created = { status: 201, body: { Id: 'abc' } }
  const { address, asked } = await fakeEngine(t, created, created)
  await createExec(address, { ...exec, user: '65532:65532' }, fakeTerminal().ends.output)
  t.match(asked[0], /"User":"65532:65532"/)
})

t.test('an announcement is not shown, and nothing follows it', async t => {
  const exited = { status: 200, body: { ExitCode: 0 } }
  for (const [text, shown, expected] of [
    ['hello ', 'typed q', 0],
    ['another', 'hello typed q', 1],
  ] as const) {
    const { address } = await fakeEngine(t, exited, exited)
    const { ends, input, output } = fakeTerminal()
    let missed = 0
    const announcement = { text, missed: async () => void missed++ }
    const status = startExec(address, 'abc', ends, { announcement })
    input.write('typed q')
    t.equal(await status, 0)
    t.equal(missed, expected)
    t.equal(String(output.read()), shown)
  }
})

t.test('a failure of what a missed announcement starts ends the command', async t => {
  const exited = { status: 200, body: { ExitCode: 0 } }
  const { address } = await fakeEngine(t, exited, exited)
  const { ends, modes } = fakeTerminal()
  const missed = async () => {
    throw new Error('no process is left')
  }
  await t.rejects(startExec(address, 'abc', ends, { announcement: { text: 'another', missed } }), {
    message: 'no process is left',
  })
  t.same(modes, [true, false], 'no longer raw')
})
