import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'

export type RelayOptions = {
  target: { host: string; port: number }
  /** Maximum connections at once; more wait in the kernel's queue or are closed. */
  connections: number
  /** Milliseconds within which the target must accept. */
  connectTimeout?: number
  /** Milliseconds after which one side that is closed closes the other. */
  lingerTimeout?: number
  /** Milliseconds within which a side must read what waits for it. Above the server's own timeouts. */
  stallTimeout?: number
}

/** Bytes of an answer that one read takes: a response of 64 KiB with its head, in one piece. */
const answerBytes = 96 * 1024

/**
 * Copies the bytes of each connection to the target and back, and reads nothing of them. A reader that is slow
 * stops its writer, so that each connection has two bounded buffers.
 */
export function createRelay({
  target,
  connections,
  connectTimeout = 5_000,
  lingerTimeout = 60_000,
  stallTimeout = 120_000,
}: RelayOptions): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, client => {
    const upstream = connectFor(client, target, stallTimeout)
    const late = setTimeout(() => upstream.destroy(), connectTimeout)
    upstream.once('connect', () => clearTimeout(late))
    upstream.once('close', () => clearTimeout(late))
    pipeBounded(client, upstream, stallTimeout)
    endTogether(client, upstream, lingerTimeout)
    endTogether(upstream, client, lingerTimeout)
  })
  server.maxConnections = connections
  return server
}

/**
 * Connects to the target, and passes what comes from it on to the client. It is read into one buffer for the life
 * of the connection: a stream of its own would take a new one for each read, and two reads for most answers.
 */
function connectFor(client: Socket, target: RelayOptions['target'], stallTimeout: number): Socket {
  const stall = createStall(stallTimeout, () => {
    client.destroy()
    upstream.destroy()
  })
  let isFull = false
  const upstream = tcpConnect({
    ...{ ...target, allowHalfOpen: true, noDelay: true, keepAlive: true },
    onread: {
      buffer: Buffer.allocUnsafeSlow(answerBytes),
      callback(length, buffer) {
        client.write(buffer.subarray(0, length), () => {
          if (!isFull) return
          isFull = false
          stall.end()
          upstream.resume()
        })
        // Until the kernel has all of it: the next read would overwrite the rest.
        isFull = client.writableLength > 0
        if (isFull) stall.begin()
        return !isFull
      },
    },
  })
  upstream.once('end', () => client.end())
  client.once('close', stall.end)
  upstream.once('close', stall.end)
  return upstream
}

function pipeBounded(from: Socket, to: Socket, stallTimeout: number) {
  const stall = createStall(stallTimeout, () => {
    from.destroy()
    to.destroy()
  })
  // `pipe` pauses the writer when the reader's buffer is full, and when the reader has gone.
  from.on('pause', () => {
    if (!to.destroyed && !from.destroyed) stall.begin()
  })
  to.on('drain', stall.end)
  to.once('close', stall.end)
  from.once('close', stall.end)
  from.pipe(to)
}

/** Closes `to` when `from` fails or has ended. */
function endTogether(from: Socket, to: Socket, lingerTimeout: number) {
  from.on('error', () => to.destroy())
  // A client that closes its half may still read the answer, but not forever.
  from.once('end', () => from.setTimeout(lingerTimeout, () => from.destroy()))
  from.once('close', () => {
    if (to.destroyed) return
    // Waits until the last bytes are written, which a reader with a closed window prevents.
    to.destroySoon()
    const late = setTimeout(() => to.destroy(), lingerTimeout)
    to.once('close', () => clearTimeout(late))
  })
}

/**
 * Bounds the time that one side does not read: while its writer is paused, the relay does not see that the
 * writer has gone, so that such a connection would never end (threat M6).
 */
function createStall(milliseconds: number, close: () => void) {
  let timer: NodeJS.Timeout | undefined
  return {
    begin() {
      timer ??= setTimeout(close, milliseconds)
    },
    end() {
      clearTimeout(timer)
      timer = undefined
    },
  }
}
