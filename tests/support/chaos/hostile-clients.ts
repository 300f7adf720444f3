import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { must } from '../stack/process.ts'
import type { TestServer } from '../stack/test-server.ts'

/** Clients that do what no good one does, through the published port of a server. */
export function createHostileClients({ url, token }: Pick<TestServer, 'url' | 'token'>) {
  const { hostname, port } = new URL(url)
  const head = (line: string) =>
    `${line} HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${token}\r\n`

  const open = () => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: false })
    socket.on('error', () => {})
    return socket
  }

  return {
    head,

    /** Connections on which nothing is sent. */
    idle: (count: number): Socket[] =>
      Array.from({ length: count }, () => {
        const socket = open()
        socket.resume()
        return socket
      }),

    /** Sends a request, and reads one byte of the answer in a second. */
    slowReader(line: string): Socket {
      const socket = open()
      socket.write(`${head(line)}\r\n`)
      const timer = setInterval(() => socket.read(1), 1_000)
      socket.on('readable', () => {})
      socket.once('close', () => clearInterval(timer))
      return socket
    },

    /** Sends bytes as they are, and returns all that comes back until the server closes. */
    async raw(bytes: string): Promise<string> {
      const socket = open()
      socket.write(bytes)
      return text(socket)
    },
  }
}

const Memory = z.string().transform(metrics => {
  const [, bytes = 'NaN'] = /^process_resident_memory_bytes (\d+)$/m.exec(metrics) ?? []
  return Number(bytes)
})

/** Returns the memory of the server's process in bytes. */
export async function memoryOf(server: TestServer): Promise<number> {
  return Memory.parse((await server.request('/metrics', { timeout: 120_000 })).text)
}

/** Returns when the containers were started: the same again when none of them died. */
export async function startsOf(server: TestServer, services: readonly string[]) {
  const format = ['inspect', '--format', '{{.State.StartedAt}} {{.RestartCount}}']
  return must('docker', [...format, ...services.map(server.container)])
}
