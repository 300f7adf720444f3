import { createServer, type Server, type Socket, connect as tcpConnect } from 'node:net'

export type RelayOptions = {
  target: { host: string; port: number }
  /** Maximum connections at once; more wait in the kernel's queue or are closed. */
  connections: number
  /** Milliseconds within which the target must accept. */
  connectTimeout?: number
  /** Milliseconds after which one side that is closed closes the other. */
  lingerTimeout?: number
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
}: RelayOptions): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, client => {
    const upstream = tcpConnect({ ...target, allowHalfOpen: true, noDelay: true, keepAlive: true })
    const late = setTimeout(() => upstream.destroy(), connectTimeout)
    upstream.once('connect', () => clearTimeout(late))
    upstream.once('close', () => clearTimeout(late))
    join(client, upstream, lingerTimeout)
    join(upstream, client, lingerTimeout)
  })
  server.maxConnections = connections
  return server
}

function join(from: Socket, to: Socket, lingerTimeout: number) {
  from.pipe(to)
  from.on('error', () => to.destroy())
  // A client that closes its half may still read the answer, but not forever.
  from.once('end', () => from.setTimeout(lingerTimeout, () => from.destroy()))
  from.once('close', () => to.destroySoon())
}
