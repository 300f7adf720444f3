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
    const upstream = tcpConnect({ ...target, allowHalfOpen: true, noDelay: true, keepAlive: true })
    const late = setTimeout(() => upstream.destroy(), connectTimeout)
    upstream.once('connect', () => clearTimeout(late))
    upstream.once('close', () => clearTimeout(late))
    join(client, upstream, { lingerTimeout, stallTimeout })
    join(upstream, client, { lingerTimeout, stallTimeout })
  })
  server.maxConnections = connections
  return server
}

function join(
  from: Socket,
  to: Socket,
  { lingerTimeout, stallTimeout }: { lingerTimeout: number; stallTimeout: number },
) {
  boundStall(from, to, stallTimeout)
  from.pipe(to)
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
 * Closes both sides when one does not read: while its writer is paused, the relay does not see that the
 * writer has gone, so that such a connection would never end (threat M6).
 */
function boundStall(from: Socket, to: Socket, milliseconds: number) {
  let stalled: NodeJS.Timeout | undefined
  const clear = () => {
    clearTimeout(stalled)
    stalled = undefined
  }
  // `pipe` pauses the writer when the reader's buffer is full, and when the reader has gone.
  from.on('pause', () => {
    if (to.destroyed || from.destroyed) return
    stalled ??= setTimeout(() => {
      from.destroy()
      to.destroy()
    }, milliseconds)
  })
  to.on('drain', clear)
  to.once('close', clear)
  from.once('close', clear)
}
