import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { Test } from 'tap'
import { closeServer } from '../close-server.ts'
import { exported } from './repositories.ts'

/** Frames a piece of standard output, or of another stream, as the engine does. */
export function frame(payload: Buffer, stream = 1): Buffer {
  const header = Buffer.alloc(8)
  header[0] = stream
  header.writeUInt32BE(payload.length, 4)
  return Buffer.concat([header, payload])
}

/** The program of the image that keeps the states of a copy. */
export const turnProgram = join(import.meta.dirname, '../../../claude/scripts/claude-secure-turn')

/**
 * A stand-in of the engine whose one container has the copy of a session: it runs the export and the image's
 * program of turns there, and gives the connection of a watch to the test.
 */
export async function startSessionEngine(t: Test, copy: string) {
  // Not a test folder: the path of a socket has to be short.
  const folder = await mkdtemp(join(tmpdir(), 'session-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const socketPath = join(folder, 's')
  const commands: string[][] = []
  const watches: Socket[] = []
  const state = { gone: false, silent: false }
  const ended = new Map<string, number>()
  const answer = (socket: Socket, status: number, body: object) =>
    socket.end(`HTTP/1.0 ${status} x\r\n\r\n${JSON.stringify(body)}`)
  const start = async (socket: Socket, id: string, command: readonly string[]) => {
    socket.write('HTTP/1.1 101 UPGRADED\r\n\r\n')
    if (command[0] === '/usr/local/bin/claude-secure-turn') {
      const child = spawn(turnProgram, [copy, ...command.slice(2)])
      child.stdout.on('data', (chunk: Buffer) => socket.write(frame(chunk)))
      child.stderr.on('data', (chunk: Buffer) => socket.write(frame(chunk, 2)))
      const [code] = await once(child, 'close')
      ended.set(id, Number(code))
      return void socket.end()
    }
    // The words of a watch are the shell, its script, a name and the branch.
    if (command.length === 5) return void watches.push(socket)
    if (state.silent) return
    await pipeline(
      exported(copy, command.slice(6)),
      async function* (chunks) {
        for await (const chunk of chunks) yield frame(chunk as Buffer)
      },
      socket,
    ).catch(() => {})
  }
  const server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => {})
    socket.once('data', data => {
      const text = data.toString()
      const id = /^POST \/exec\/(\d+)\/start/.exec(text.replace(/^POST \/v[\d.]+/, 'POST '))?.[1]
      if (id !== undefined) return void start(socket, id, commands[Number(id)] ?? [])
      const asked = /^GET \S*\/exec\/(\d+)\/json/.exec(text)?.[1]
      if (asked !== undefined) {
        return void answer(socket, 200, { ExitCode: ended.get(asked) ?? null })
      }
      if (state.gone) return void answer(socket, 404, { message: 'No such container' })
      const words = JSON.parse(text.slice(text.indexOf('\r\n\r\n')))
      // The engine's ids have hexadecimal digits alone.
      answer(socket, 201, { Id: String(commands.push(words.Cmd) - 1) })
    })
  })
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  closeServer(t, server)
  return { address: { socketPath }, commands, watches, state }
}
