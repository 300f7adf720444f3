import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Test } from 'tap'

export interface ConnectProxy {
  url: string
  /** What was asked of it, such as `api.anthropic.com:443`. */
  asked: string[]
}

/** A forward proxy that knows CONNECT only, and leads every name to `target`. */
export async function startConnectProxy(
  t: Test,
  options: {
    target?: string
    answer?: 'tunnel' | 'refuse' | 'silence' | 'hang-up'
    /** The page of Squid that a refusal names. */
    page?: string
  },
): Promise<ConnectProxy> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((_request, response) => response.writeHead(403).end())
  server.on('connection', (socket: Socket) => sockets.add(socket))
  server.on('connect', (request, socket: Socket) => {
    asked.push(request.url ?? '')
    socket.on('error', () => {})
    switch (options.answer ?? 'tunnel') {
      case 'refuse':
        socket.end(
          options.page
            ? `HTTP/1.1 407 Proxy Authentication Required\r\nX-Squid-Error: 407:${options.page} 0\r\n\r\n`
            : 'HTTP/1.1 403 Forbidden\r\n\r\n',
        )
        return
      case 'silence':
        return
      case 'hang-up':
        socket.end('HTTP/1.1 200 Connection established\r\n\r\n')
        return
      case 'tunnel': {
        const { hostname, port } = new URL(options.target ?? '')
        const origin = connect(Number(port), hostname, () => {
          socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
          origin.pipe(socket).pipe(origin)
        })
        sockets.add(origin)
        origin.on('error', () => socket.destroy())
      }
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked }
}
