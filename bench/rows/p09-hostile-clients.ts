import { memoryGrowth } from '../../tests/support/stack/process-memory.ts'
import type { Figure } from '../figure.ts'
import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { createApiClient } from '../server/api-client.ts'
import { openConnections } from '../server/connections.ts'

const megabyte = 1_000_000
const file = { path: '/files/bench-large/300m.bin', megabytes: 300 }
const clients = { slowReaders: 50, halfRequests: 1_000, slowBodies: 200 }

/** How much memory clients take that send much, or that do not send or read, against the size of one large file. */
export const hostileClientsRow: Row = {
  id: 'P9',
  part: 'server',
  async measure({ server }, repetitions) {
    if (!server || server.memory.length === 0) return null
    const { url, token, memory } = server
    const api = createApiClient(server)
    const chunk = Buffer.alloc(megabyte, 'x')
    async function* content() {
      for (let i = 0; i < file.megabytes; i++) yield chunk
    }
    const headers = { 'content-length': String(file.megabytes * megabyte) }
    const upload = () => api.must('PUT', file.path, { body: content(), headers })
    const hold = (count: number, text: string) => async () => {
      const connections = await openConnections(new URL(url), count, text)
      try {
        await connections.settled()
      } finally {
        await connections.close()
      }
    }
    const head = `Host: ${new URL(url).host}\r\nAuthorization: Bearer ${token}\r\n`
    const json = 'Content-Type: application/json\r\nContent-Length: 60000\r\n'
    try {
      const samples = await interleave(Math.ceil(repetitions / 3), {
        upload: () => memoryGrowth(memory, upload),
        readers: () =>
          memoryGrowth(
            memory,
            hold(clients.slowReaders, `GET ${file.path} HTTP/1.1\r\n${head}\r\n`),
          ),
        halves: () =>
          memoryGrowth(memory, hold(clients.halfRequests, `GET ${file.path} HTTP/1.1\r\n${head}`)),
        bodies: () =>
          memoryGrowth(
            memory,
            hold(clients.slowBodies, `POST /run HTTP/1.1\r\n${head}${json}\r\n{"prompt": "`),
          ),
      })
      const figure = (what: string, ours: readonly number[]): Figure => ({
        ...{ row: 'P9', what: `server: memory of ${what}`, unit: 'MiB', ours },
        baseline: [(file.megabytes * megabyte) / 1024 ** 2],
        target: { kind: 'ratio-at-most', ratio: 0.1 },
      })
      return [
        figure(`an upload of ${file.megabytes} MB, against its size`, samples.upload),
        figure(`${clients.slowReaders} clients that do not read that file`, samples.readers),
        figure(`${clients.halfRequests} clients with half a request`, samples.halves),
        figure(`${clients.slowBodies} clients with half a body`, samples.bodies),
      ]
    } finally {
      await api.ask('DELETE', file.path)
      api.close()
    }
  },
}
