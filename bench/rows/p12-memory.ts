import { setTimeout as sleep } from 'node:timers/promises'
import { containerMemory } from '../container-memory.ts'
import type { Figure } from '../figure.ts'
import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'

/** The worker has no warm process: nothing has run in it. */
const limits = { proxy: 40, gateway: 80, server: 110, ingress: 50, worker: 60 }
const services = ['proxy', 'gateway', 'server', 'ingress', 'worker'] as const
const settleMilliseconds = 10_000

/** Memory of an idle service that was never used. */
export const memoryRow: Row = {
  id: 'P12',
  part: 'both',
  async measure({ containers }, repetitions) {
    if (!containers) return null
    await sleep(settleMilliseconds)
    const figures: Figure[] = []
    for (const service of services) {
      const container = containers[service]
      if (!container) continue
      figures.push({
        row: 'P12',
        what: `idle memory of the ${service}`,
        unit: 'MiB',
        ours: (await interleave(repetitions, { ours: () => containerMemory(container) })).ours,
        baseline: null,
        target: { kind: 'at-most', limit: limits[service] },
      })
    }
    return figures
  },
}
