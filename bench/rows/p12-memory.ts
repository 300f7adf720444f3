import { setTimeout as sleep } from 'node:timers/promises'
import { must } from '../../tests/support/stack/process.ts'
import type { Figure } from '../figure.ts'
import type { Row } from '../row.ts'

const limits = { proxy: 40, gateway: 80 }
const settleMilliseconds = 10_000

/** What a service holds that nobody has used yet, as `docker stats` counts it. */
export const memoryRow: Row = {
  id: 'P12',
  async measure({ containers }, repetitions) {
    if (!containers) return null
    await sleep(settleMilliseconds)
    const figures: Figure[] = []
    for (const service of ['proxy', 'gateway'] as const) {
      const container = containers[service]
      if (!container) continue
      figures.push({
        row: 'P12',
        what: `idle memory of the ${service}`,
        unit: 'MiB',
        ours: await usedMemory(container, repetitions),
        baseline: null,
        target: { kind: 'at-most', limit: limits[service] },
      })
    }
    return figures
  },
}

async function usedMemory(container: string, repetitions: number): Promise<number[]> {
  const samples: number[] = []
  while (samples.length < repetitions) {
    const format = ['--no-stream', '--format', '{{.MemUsage}}']
    samples.push(parseMemory(await must('docker', ['stats', ...format, container])))
  }
  return samples
}

const mebibytes: Record<string, number> = { B: 1 / 1024 ** 2, KiB: 1 / 1024, MiB: 1, GiB: 1024 }

/** `13.2MiB / 256MiB`, in MiB. */
function parseMemory(text: string): number {
  const [, value, unit] = /^([\d.]+)([KMG]?i?B) /.exec(text) ?? []
  return Number(value) * (mebibytes[unit ?? ''] ?? Number.NaN)
}
