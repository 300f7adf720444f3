import { randomBytes } from 'node:crypto'
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'

/**
 * A service on every address of this host that sends a secret word to each client. It stands for
 * the services that an agent could reach on the host.
 */
export type HostCanary = {
  port: number
  word: string
  /** IPv4 addresses of this host. */
  addresses: string[]
  /** Returns the addresses of the clients. */
  visitors: () => string[]
  close: () => Promise<void>
}

export async function openHostCanary(): Promise<HostCanary> {
  const word = `host-${randomBytes(16).toString('hex')}`
  const visitors: string[] = []
  const server = createServer(socket => {
    visitors.push(socket.remoteAddress ?? '?')
    socket.on('error', () => {})
    socket.end(`${word}\r\n`)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '0.0.0.0', resolve)
  })
  const addresses = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
  return {
    port: (server.address() as AddressInfo).port,
    word,
    addresses,
    visitors: () => [...visitors],
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}
