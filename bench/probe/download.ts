import type { Route } from '../system.ts'
import { dial } from './dial.ts'

/**
 * Downloads over a new connection: milliseconds until the first byte, or decimal MB per second of the
 * whole.
 */
export async function download(
  route: Route,
  bytes: number,
  result: 'first-byte' | 'rate',
): Promise<number> {
  const started = performance.now()
  const socket = await dial(route)
  const host = route.tls?.name ?? route.host
  socket.write(`GET /bytes/${bytes} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
  return new Promise((resolve, reject) => {
    let received = 0
    socket.on('data', (chunk: Buffer) => {
      if (received === 0 && !chunk.toString('latin1', 0, 12).endsWith(' 200')) {
        socket.destroy(new Error(`${host} answered ${chunk.toString('latin1', 0, 80)}`))
      }
      received += chunk.length
      if (result === 'rate' && received < bytes) return
      const milliseconds = performance.now() - started
      socket.destroy()
      resolve(result === 'rate' ? received / 1_000 / milliseconds : milliseconds)
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error(`${host} hung up after ${received} bytes`)))
  })
}
