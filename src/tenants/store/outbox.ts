import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import type { RunResult } from '../../run/result.ts'
import type { Statements } from './statements.ts'

/** A run that ended, and whose run it was. */
export type EndedReport = { tenant: string; token: string; surface: string; result: RunResult }

/** A report that waits for its receiver. */
export type Report = {
  id: number
  /** The same in each attempt, so that a receiver can tell a repeated report. */
  delivery: string
  tenant: string
  token: string
  runId: string
  body: string
  /** Attempts that failed. */
  attempts: number
}

/** The reports that no receiver has taken yet. They outlive the process. */
export type Outbox = {
  /** Returns the oldest reports whose time has come. */
  due: (at: number, limit: number) => Report[]
  /** Returns the time of the next report in milliseconds since 1970; null without one. */
  nextAt: () => number | null
  count: () => number
  /** Keeps a report for another attempt. */
  postpone: (id: number, attempts: number, nextAt: number) => void
  remove: (id: number) => void
  /** Removes all, and returns how many there were. */
  clear: () => number
  /** Calls back when a report was added. */
  onAdded: (call: () => void) => void
}

const Row = z
  .object({
    ...{ id: z.number(), delivery: z.string(), tenant: z.string(), token: z.string() },
    ...{ run_id: z.string(), body: z.string(), attempts: z.number() },
  })
  .transform(({ run_id: runId, ...row }): Report => ({ ...row, runId }))

/** Maximum reports that wait; that of a further run is dropped. */
const defaultWaiting = 10_000

export type ReportsOptions = {
  /** Renders the body of a report. */
  render: (ended: EndedReport) => string
  /** Called with the run whose report is dropped, because too many wait. */
  dropped: (ended: EndedReport) => void
  waiting?: number
}

/** Makes the outbox of a database. `add` belongs into the transaction that ends the run. */
export function createOutbox(statements: Statements, now: () => Date, options?: ReportsOptions) {
  let added = () => {}
  const count = () => Number(statements.reportCount.get()?.count ?? 0)

  const outbox: Outbox = {
    due: (at, limit) => statements.dueReports.all(at, limit).map(row => Row.parse(row)),
    nextAt() {
      const at = statements.nextReport.get()?.at
      return typeof at === 'number' ? at : null
    },
    count,
    postpone: (id, attempts, nextAt) => void statements.postponeReport.run(attempts, nextAt, id),
    remove: id => void statements.removeReport.run(id),
    clear: () => Number(statements.clearReports.run().changes),
    onAdded(call) {
      added = call
    },
  }
  return {
    outbox,
    add(ended: EndedReport): void {
      if (!options) return
      if (count() >= (options.waiting ?? defaultWaiting)) {
        options.dropped(ended)
        return
      }
      const { tenant, token, result } = ended
      statements.addReport.run(
        ...[randomUUID(), tenant, token, result.runId],
        ...[options.render(ended), now().getTime()],
      )
    },
    /** Tells the sender. After the transaction: before it, the report could still be taken back. */
    wake: () => added(),
  }
}
export type ReportStore = ReturnType<typeof createOutbox>
