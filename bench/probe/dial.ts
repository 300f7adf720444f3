import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Route } from '../system.ts'

/**
 * Opens a connection that is ready for HTTP: dialled, accepted by the proxy, and past the TLS
 * handshake.
 */
export async function dial(route: Route): Promise<Socket> {
  const { via, tls } = route
  const socket = connect(via?.port ?? route.port, via?.host ?? route.host)
  await once(socket, 'connect')
  socket.setNoDelay(true)
  if (via) await askForTunnel(socket, `${tls?.name ?? route.host}:${route.port}`)
  if (!tls) return socket
  const secure = connectTls({ socket, servername: tls.name, ca: tls.authority })
  await once(secure, 'secureConnect')
  return secure
}

async function askForTunnel(socket: Socket, target: string) {
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n\r\n`)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  // The server sends nothing after a 200 before the client does: the segment holds exactly the head.
  if (!answer.toString().startsWith('HTTP/1.1 200')) throw new Error(`${target}: ${answer}`)
  socket.pause()
}
