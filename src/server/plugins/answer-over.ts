import type { ServerResponse } from 'node:http'

/**
 * Calls back once, when an answer is complete or its connection has closed. A pipelined request that waits for
 * its turn gets no `close` of its own when the client leaves.
 */
export function whenOver(response: ServerResponse, call: () => void): void {
  const { socket } = response.req
  let isOver = false
  const over = () => {
    // The response can close while the socket tells its own listeners.
    if (isOver) return
    isOver = true
    response.off('close', over)
    socket.off('close', over)
    call()
  }
  // One listener for each request that is pipelined on the connection.
  socket.setMaxListeners(0)
  response.once('close', over)
  socket.once('close', over)
  if (socket.destroyed) over()
}
