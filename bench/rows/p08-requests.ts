import type { Figure } from '../figure.ts'
import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { runRequests } from '../run-probe.ts'
import type { Samples } from '../samples.ts'
import { createApiClient } from '../server/api-client.ts'
import { startBareServer } from '../server/bare-server.ts'

const fileBytes = 64 * 1024
const file = '/files/bench-requests/64k.bin'

/** Answers per second over 50 connections, against a bare node:http that answers as many bytes. */
export const requestsRow: Row = {
  id: 'P8',
  part: 'server',
  async measure({ server }, repetitions) {
    if (!server?.worker) return null
    const { url, token, moreTokens, worker } = server
    const { hostname, port } = new URL(url)
    const api = createApiClient(server)
    await api.must('PUT', file, { body: Buffer.alloc(fileBytes, 'x') })
    const status = await api.must('GET', '/status')
    api.close()
    const bare = await startBareServer(worker, {
      small: Buffer.byteLength(status),
      large: fileBytes,
    })
    const rateOf = (at: { host: string; port: number }, path: string) => () =>
      runRequests({
        ...{ ...at, path, connections: 50, milliseconds: 1_500 },
        tokens: [token, ...moreTokens],
      })
    try {
      const ours = { host: hostname, port: Number(port || 80) }
      const theirs = { host: '127.0.0.1', port: bare.port }
      const samples = await interleave(repetitions, {
        status: rateOf(ours, '/status'),
        small: rateOf(theirs, '/small'),
        file: rateOf(ours, file),
        large: rateOf(theirs, '/large'),
      })
      const figure = (what: string, ours: Samples, baseline: Samples): Figure => ({
        what: `server: ${what}, 50 connections, against a bare \`node:http\``,
        ...{ row: 'P8', unit: '/s', ours, baseline },
        target: { kind: 'ratio-at-least', ratio: 0.3 },
      })
      return [
        figure('`GET /status`', samples.status, samples.small),
        figure('a file of 64 KiB', samples.file, samples.large),
      ]
    } finally {
      await bare.close()
    }
  },
}
