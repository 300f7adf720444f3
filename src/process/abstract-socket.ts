import { connect, createServer } from 'node:net'

const answerMilliseconds = 1_000
const answerBytes = 100

/**
 * Returns the address of an abstract Unix socket of this user. The kernel gives a name to one process at a
 * time and frees it when that process ends, so that a lock never goes stale (decision 0003).
 */
function address(name: string) {
  return `\0claude-secure/${process.getuid?.() ?? 0}/${name}`
}

/**
 * Takes the name as a lock and sends `text` to every process that connects. Resolves with the function
 * that frees the name, or null when another process holds it.
 */
export function holdName(name: string, text = ''): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.end(text)
    })
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    )
    // The lock alone must not keep the process alive.
    server.listen(address(name), () => {
      server.unref()
      resolve(() => server.close())
    })
  })
}

/** Returns the text of the process that holds the name; null when no process holds it. */
export function readHolder(name: string): Promise<string | null> {
  return new Promise(resolve => {
    let text = ''
    const socket = connect(address(name))
    socket.setTimeout(answerMilliseconds, () => socket.destroy())
    socket.once('error', () => resolve(null))
    socket.once('close', () => resolve(text))
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.length > answerBytes) socket.destroy()
    })
  })
}
