import { createServer, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { command } from '../../base/command.ts'
import { systemCode, UserError } from '../../base/errors.ts'
import { createRequestGuard, judgeHead } from './request-guard.ts'
import { PortClosed } from './tunnel.ts'

/** The only address that forwards listen on: no other machine can connect to it. */
export const loopback = '127.0.0.1'

const mostConnections = 128
/** Milliseconds to wait for a client's first bytes, to answer it in its protocol. */
const firstBytesWithin = 1_000

/**
 * Listens on the loopback and joins each connection with one from `connect`. Returns its end.
 * @param port the port in the container, for the hint when `local` is in use
 */
export async function openLocalPort(
  { port, local }: { port: number; local: number },
  connect: () => Promise<Duplex>,
  onClosedPort: () => void,
): Promise<() => void> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    connect().then(
      stream => join(socket, stream),
      async error => {
        if (error instanceof PortClosed) onClosedPort()
        await answerFailure(socket, error)
      },
    )
  })
  server.maxConnections = mostConnections
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(cannotListen({ port, local }, error)))
    server.listen({ host: loopback, port: local }, resolve)
  })
  // Such as too many open files: the next connection may succeed.
  server.on('error', () => {})
  return () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
}

/** Carries both directions until each has ended; half-closed connections stay open. */
function join(socket: Socket, stream: Duplex) {
  if (socket.destroyed) return void stream.destroy()
  const guard = createRequestGuard(({ status, reason }) => {
    stream.unpipe(socket)
    stream.destroy()
    answer(socket, status, reason)
  })
  socket.pipe(guard).pipe(stream)
  stream.pipe(socket)
  socket.once('close', () => stream.destroy())
  stream.once('close', () => (socket.writableEnded ? socket.destroySoon() : socket.destroy()))
}

/** A browser shows a sentence; any other client sees a closed connection. */
async function answerFailure(socket: Socket, error: unknown) {
  const first = await firstBytes(socket)
  if (socket.destroyed) return
  const verdict = judgeHead(first)
  const isHttp = / HTTP\/1\.[01]\r?\n/.test(first.toString('latin1'))
  if (!isHttp || verdict === 'more') return void socket.destroy()
  if (verdict !== 'pass') return answer(socket, verdict.status, verdict.reason)
  const text =
    error instanceof PortClosed
      ? `${error.message} in the container yet`
      : 'the container does not answer'
  answer(socket, 502, text)
}

function firstBytes(socket: Socket): Promise<Buffer> {
  return new Promise(resolve => {
    const timer = setTimeout(() => resolve(Buffer.alloc(0)), firstBytesWithin)
    const done = (chunk: Buffer) => {
      clearTimeout(timer)
      resolve(chunk)
    }
    socket.once('data', done).once('close', () => done(Buffer.alloc(0)))
  })
}

const reasons = { 403: 'Forbidden', 431: 'Request Header Fields Too Large', 502: 'Bad Gateway' }

function answer(socket: Socket, status: keyof typeof reasons, text: string) {
  const body = `claude-secure: ${text}\n`
  const head = [
    `HTTP/1.1 ${status} ${reasons[status]}`,
    'Content-Type: text/plain',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroySoon())
}

function cannotListen({ port, local }: { port: number; local: number }, error: Error) {
  const code = systemCode(error)
  const hints: Record<string, string> = {
    EADDRINUSE: `choose another port of this host: ${command(`forward ${port}:${local > 55_000 ? local - 10_000 : local + 10_000}`)}`,
    EACCES: `choose a port above 1023: ${command(`forward ${port}:${local + 10_000}`)}`,
  }
  const what = code === 'EADDRINUSE' ? 'is in use' : `cannot be opened (${code ?? error.message})`
  return new UserError(`${loopback}:${local} ${what}`, {
    hint:
      hints[code ?? ''] ?? `choose another port of this host: ${command(`forward ${port}:LOCAL`)}`,
    cause: error,
  })
}
