import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { type WebSocket, WebSocketServer } from 'ws'
import { protocolToken, socketProtocol } from './access.ts'
import { describeError, WebError } from './errors.ts'
import { checkHost, checkOrigin } from './hosts.ts'
import type { WebLimits } from './limits.ts'
import { serveLive } from './live.ts'
import { ResizeMessage, StackName } from './messages.ts'
import { serveTerminal } from './terminal.ts'
import type { WebParts } from './web-parts.ts'

type SocketParts = Pick<WebParts, 'access' | 'port' | 'sources' | 'calledAs'> & {
  limits: WebLimits
}

/**
 * Accepts the websockets of the page: `/live`, and `/terminal?stack=…&columns=…&rows=…`. No same-origin policy holds
 * back a websocket, so host, origin and token are checked before the answer to the upgrade.
 */
export function acceptSockets(app: FastifyInstance, parts: SocketParts) {
  const { access, port, limits, calledAs } = parts
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    // Compression would keep a window of memory for each socket.
    perMessageDeflate: false,
    handleProtocols: () => socketProtocol,
  })
  const open = (request: IncomingMessage): ((socket: WebSocket) => void) => {
    checkHost(request, port())
    checkOrigin(request, { required: true })
    if (!access.admits(protocolToken(request.headers['sec-websocket-protocol']))) {
      throw new WebError(401, 'the websocket has no token')
    }
    if (server.clients.size >= limits.sockets) throw new WebError(503, 'too many websockets')
    return routeOf(request, parts)
  }
  app.server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {})
    try {
      const serve = open(request)
      server.handleUpgrade(request, socket, head, client => {
        keepAlive(client, limits)
        serve(client)
      })
    } catch (error) {
      refuse(socket, describeError(error, calledAs).status)
    }
  })
  app.addHook('preClose', async () => {
    for (const client of server.clients) client.terminate()
  })
}

function routeOf(request: IncomingMessage, parts: SocketParts): (socket: WebSocket) => void {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://page')
  if (pathname === '/live') return socket => serveLive(socket, parts)
  if (pathname !== '/terminal') throw new WebError(404, 'not found')
  const stack = StackName.parse(searchParams.get('stack'))
  const size = ResizeMessage.parse({
    columns: Number(searchParams.get('columns')),
    rows: Number(searchParams.get('rows')),
  })
  return socket => serveTerminal(socket, { ...parts, stack, size })
}

/** Ends a client that answers no ping: it vanished, and its terminal must be free for another. */
function keepAlive(client: WebSocket, { pingMilliseconds }: WebLimits) {
  let answered = true
  const timer = setInterval(() => {
    if (!answered) return client.terminate()
    answered = false
    client.ping()
  }, pingMilliseconds)
  client.on('pong', () => {
    answered = true
  })
  // Such as a message that is too large: `ws` closes the socket.
  client.on('error', () => {})
  client.once('close', () => clearInterval(timer))
}

function refuse(socket: Duplex, status: number) {
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`
  socket.end(`${head}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy())
}
