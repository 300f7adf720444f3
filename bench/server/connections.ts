import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const quietMilliseconds = 1_500
const patience = 30_000

/** Opens connections that send the same text, and then neither read nor send. */
export async function openConnections(url: URL, count: number, text: string) {
  const sockets: Socket[] = []
  for (let i = 0; i < count; i++) sockets.push(await open(url, text))

  return {
    /** Waits until the server has sent what the kernels' buffers take: no socket has got more for a while. */
    async settled() {
      const deadline = Date.now() + patience
      for (let known = -1; Date.now() < deadline; ) {
        const received = sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0)
        if (received === known) return
        known = received
        await sleep(quietMilliseconds)
      }
    },
    async close() {
      const closed = sockets.map(
        socket => socket.destroyed || new Promise(resolve => socket.once('close', resolve)),
      )
      for (const socket of sockets) socket.destroy()
      await Promise.all(closed)
      // The server notices that they left, and gives their memory back.
      await sleep(quietMilliseconds)
    },
  }
}

function open(url: URL, text: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port || 80), url.hostname)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      // A server may close what it does not want.
      socket.on('error', () => {})
      socket.pause()
      socket.write(text, () => resolve(socket))
    })
  })
}
