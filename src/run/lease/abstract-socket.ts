import { connect, createServer } from 'node:net'

/** An abstract Unix socket of this user. The kernel frees it however the process ends (decision 0003). */
function address(name: string) {
  return `\0claude-secure/${process.getuid?.() ?? 0}/run/${name}`
}

/** Takes the name, and tells `text` to all who connect; null when another process has it. */
export function listenAlone(name: string, text = ''): Promise<(() => void) | null> {
  return new Promise((resolve, reject) => {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.end(text)
    })
    server.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' ? resolve(null) : reject(error),
    )
    // It must not keep the process alive by itself.
    server.listen(address(name), () => {
      server.unref()
      resolve(() => server.close())
    })
  })
}

const answerMilliseconds = 1_000
const answerBytes = 100

/** What the process that has the name tells; null when nobody has it. */
export function textFrom(name: string): Promise<string | null> {
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
