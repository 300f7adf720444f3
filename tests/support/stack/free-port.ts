import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { until } from './process.ts'

/**
 * Returns a port of the loopback that nothing listens on, outside of the range from which connections take theirs:
 * one of those could be taken by a connection of any program before the test listens on it.
 */
export function freePort(): Promise<number> {
  return until('a free port', async () => {
    const port = randomInt(12_000, 30_000)
    const server = createServer().listen(port, '127.0.0.1')
    if (!(await once(server, 'listening').catch(() => null))) return null
    server.close()
    await once(server, 'close')
    return port
  })
}
