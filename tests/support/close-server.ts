import { once } from 'node:events'
import type { Server, Socket } from 'node:net'
import type { Test } from 'tap'

/**
 * Closes a server after the test, with its connections. One that its client has left half open would stay, keep
 * the process that runs all files from ending, and read a request in a folder that is being removed.
 */
export function closeServer(t: Test, server: Server): void {
  const open = new Set<Socket>()
  server.on('connection', socket => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  t.teardown(async () => {
    const closed = once(server, 'close')
    server.close()
    for (const socket of open) socket.destroy()
    await closed
  })
}
