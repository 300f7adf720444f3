import type { Row } from '../row.ts'
import { runProbe } from '../run-probe.ts'

const download = 1024 ** 3

/** Through Squid with all its checks, against the same origin dialled directly. */
export const egressRow: Row = {
  id: 'P10',
  async measure({ probe, egress }, repetitions) {
    if (!probe || !egress) return null
    const latency = await runProbe(probe, {
      kind: 'first-byte',
      routes: egress,
      repetitions: repetitions * 3,
    })
    const throughput = await runProbe(probe, {
      kind: 'download',
      routes: egress,
      repetitions,
      bytes: download,
    })
    return [
      {
        row: 'P10',
        what: 'proxy: connection, TLS and first byte, against direct',
        unit: 'ms',
        ...latency,
        target: { kind: 'ratio-at-most', ratio: 1.5, extra: 10 },
      },
      {
        row: 'P10',
        what: 'proxy: download of 1 GiB, against direct',
        unit: 'MB/s',
        ...throughput,
        target: { kind: 'ratio-at-least', ratio: 0.6 },
      },
    ]
  },
}
