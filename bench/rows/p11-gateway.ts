import type { Figure } from '../figure.ts'
import type { Row } from '../row.ts'
import { runProbe } from '../run-probe.ts'

/** Pieces of a streamed answer: 10 MB of text in all. */
const pieces = { count: 10_000, size: 1_000 }

/** Through the gateway, against the same origin over TLS, and against that through the same proxy. */
export const gatewayRow: Row = {
  id: 'P11',
  async measure({ probe, model }, repetitions) {
    if (!probe || !model) return null
    const { headers, throughProxy, ours, baseline } = model
    const routes = { ours, baseline, ...(throughProxy && { throughProxy }) }
    const first = await runProbe(probe, {
      kind: 'first-event',
      routes,
      headers,
      repetitions: repetitions * 5,
      prompt: '[[delay 20]][[say hello]]',
    })
    const stream = await runProbe(probe, {
      kind: 'stream',
      routes,
      headers,
      repetitions: repetitions * 2,
      prompt: `[[stream ${pieces.count} 0 ${pieces.size}]]`,
    })
    const latency = { row: 'P11', unit: 'ms', ours: first.ours } as const
    const throughput = { row: 'P11', unit: 'MB/s', ours: stream.ours } as const
    const figures: Figure[] = [
      {
        ...latency,
        what: 'gateway: first event of an answer, against direct',
        baseline: first.baseline,
        target: { kind: 'extra-at-most', extra: 5 },
      },
      {
        ...throughput,
        what: 'gateway: answer of 10 MB, against direct',
        baseline: stream.baseline,
        target: { kind: 'ratio-at-least', ratio: 0.8 },
      },
    ]
    if (first.throughProxy && stream.throughProxy) {
      figures.push(
        {
          ...latency,
          what: 'gateway: first event, against direct through the proxy',
          baseline: first.throughProxy,
          target: { kind: 'none' },
        },
        {
          ...throughput,
          what: 'gateway: answer of 10 MB, against direct through the proxy',
          baseline: stream.throughProxy,
          target: { kind: 'none' },
        },
      )
    }
    return figures
  },
}
