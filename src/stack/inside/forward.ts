/**
 * Runs in an agent's container, as the agent: carries connections between this process's stdio and the
 * container's loopback. Stdio speaks HTTP/2, which multiplexes with flow control; each CONNECT stream is one
 * connection. `node --eval` gets this one file, and strips its types.
 */
import { performServerHandshake, type ServerHttp2Stream } from 'node:http2'
import { connect } from 'node:net'
import { Duplex } from 'node:stream'

/** The forwarded ports, as arguments. */
const ports = new Set(process.argv.slice(1).map(Number))

const host = '127.0.0.1'
const connectMilliseconds = 5_000
const windowBytes = 1024 * 1024
const internalError = 2

const session = performServerHandshake(stdio(), {
  settings: { initialWindowSize: windowBytes, maxConcurrentStreams: 256 },
})
session.setLocalWindowSize(4 * windowBytes)
session.on('stream', (stream, headers) => {
  // A reset stream reports an error, and 'close' follows.
  stream.on('error', () => {})
  const port = Number(String(headers[':authority']).replace(`${host}:`, ''))
  if (headers[':method'] === 'CONNECT' && ports.has(port)) carry(stream, port)
  else answer(stream, 403)
})
session.on('error', () => process.exit(1))
session.on('close', () => process.exit(0))

function carry(stream: ServerHttp2Stream, port: number) {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
  const late = setTimeout(() => socket.destroy(new Error('timeout')), connectMilliseconds)
  let connected = false
  socket.once('connect', () => {
    clearTimeout(late)
    connected = true
    if (stream.destroyed) return socket.destroy()
    stream.respond({ ':status': 200 })
    socket.pipe(stream)
    stream.pipe(socket)
  })
  socket.once('error', () => {
    if (connected) stream.close(internalError)
    else answer(stream, 502)
  })
  socket.once('close', () => clearTimeout(late))
  stream.once('close', () => socket.destroySoon())
}

function answer(stream: ServerHttp2Stream, status: number) {
  if (!stream.destroyed) stream.respond({ ':status': status }, { endStream: true })
}

/** `Duplex.from` would be in object mode, which HTTP/2 refuses. */
function stdio() {
  const { stdin, stdout } = process
  const stream = new Duplex({
    read: () => void stdin.resume(),
    write: (chunk: Buffer, _encoding, done) => void stdout.write(chunk, done),
  })
  stdin.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) stdin.pause()
  })
  // The host's end closed: no connection can be carried any more.
  stdin.on('end', () => process.exit(0))
  return stream
}
