import type { Outbox, Report } from '../../../src/tenants/store/outbox.ts'

/** An outbox in memory; `add` is what the end of a run does. */
export function memoryOutbox() {
  const reports = new Map<number, Report & { nextAt: number }>()
  let added = () => {}
  let last = 0
  const outbox: Outbox = {
    due: (at, limit) => [...reports.values()].filter(one => one.nextAt <= at).slice(0, limit),
    nextAt: () => [...reports.values()].map(one => one.nextAt).sort((a, b) => a - b)[0] ?? null,
    count: () => reports.size,
    postpone(id, attempts, nextAt) {
      const report = reports.get(id)
      if (report) reports.set(id, { ...report, attempts, nextAt })
    },
    remove: id => void reports.delete(id),
    clear() {
      const { size } = reports
      reports.clear()
      return size
    },
    onAdded(call) {
      added = call
    },
  }
  const add = (body: string) => {
    last += 1
    const about = { tenant: 'main', token: 'ci', runId: '0123456789abcdef', body }
    reports.set(last, { id: last, delivery: `delivery-${last}`, ...about, attempts: 0, nextAt: 0 })
    added()
  }
  return { outbox, add, reports }
}
