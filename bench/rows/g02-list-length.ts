import { settled, withNames } from '../edit-list.ts'
import type { Row } from '../row.ts'
import { runProbe } from '../run-probe.ts'

const rounds = 4

/** The same route with 1,000 names on the list and with 10, in turns of many connections each. */
export const listLengthRow: Row = {
  id: 'G2',
  async measure({ probe, gate }, repetitions) {
    const name = gate?.route.tls?.name
    if (!probe || !gate || !name) return null
    const { route } = gate
    const samples = { ours: [] as number[], baseline: [] as number[] }
    const measure = async (side: keyof typeof samples, length: number) => {
      const others = Array.from({ length: length - 1 }, (_, i) => `site-${i}.example.test`)
      await withNames(gate, [...others, name], async () => {
        await runProbe(probe, { kind: 'opens', routes: { ours: route }, repetitions: 1 })
        const plan = { kind: 'first-byte', routes: { ours: route }, repetitions } as const
        samples[side].push(...(await runProbe(probe, plan)).ours)
      })
      await settled()
    }
    for (let round = 0; round < rounds; round++) {
      const turns = [
        ['ours', 1_000],
        ['baseline', 10],
      ] as const
      for (const [side, length] of round % 2 === 0 ? turns : turns.toReversed()) {
        await measure(side, length)
      }
    }
    return [
      {
        row: 'G2',
        what: 'proxy: connection, TLS and first byte with 1,000 listed names, against 10',
        unit: 'ms',
        ...samples,
        target: { kind: 'ratio-at-most', ratio: 1.05, extra: 1 },
      },
    ]
  },
}
