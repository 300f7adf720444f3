import { setImmediate as turn } from 'node:timers/promises'
import type { RunStore } from '../../run/store/store.ts'
import { type Charge, chargesOf } from './charges.ts'
import { openDatabase, storageError } from './database.ts'
import { createEndings, dayOf } from './endings.ts'
import type { LiveRun } from './live-run.ts'
import { createOutbox, type Outbox, type ReportsOptions } from './outbox.ts'
import { createRecords, type Records } from './records.ts'
import { parseRow } from './run-row.ts'
import { prepareStatements } from './statements.ts'
import { createTenantStore, interrupt, type StoreParts } from './tenant-store.ts'

export type RunStores = {
  of: (tenant: string) => RunStore
  /** Lists the runs of this owner that ended since midnight (UTC), and those in progress, with what they cost. */
  charges: (owner: string) => Charge[]
  /** The reports of ended runs; empty without `reports`. */
  outbox: Outbox
  /** Opens the records of a surface, which outlive its runs. */
  records: (surface: string) => Records
  /** Removes results after their time, and the oldest of a tenant that has too many bytes. */
  sweep: () => Promise<void>
  /** Marks the runs that are still in progress as interrupted, and closes the database. */
  close: () => Promise<void>
}

export type RunStoresOptions = {
  /** File of the database. */
  path: string
  /** Milliseconds for which the result of a run is kept. */
  ttl: number
  now: () => Date
  /** Takes failures that end no request: a full disk, a run that could not be marked. */
  report: (error: Error) => void
  /** Keeps a report of each run that ends. */
  reports?: ReportsOptions
  /** Size at which the database refuses runs as on a full disk. */
  maxBytes?: number
  /** Bytes of one tenant's results and events, beyond which its oldest are removed before their time. */
  tenantBytes?: number
}

const sweepMilliseconds = 60_000
/** A run can have 70 MB, and a removal lets nothing else run. */
const batchRuns = 20
const chargeDays = 8
const defaultTenantBytes = 2 * 1024 ** 3

/** Opens the runs of all tenants. Runs that were in progress when the last process died are interrupted. */
export async function openRunStores(options: RunStoresOptions): Promise<RunStores> {
  const { path, ttl, now, report, tenantBytes = defaultTenantBytes } = options
  const database = openDatabase(path, options.maxBytes)
  const statements = prepareStatements(database)
  const reports = createOutbox(statements, now, options.reports)
  const endings = createEndings({ path, database, statements, reports, now, ttl })
  const live = new Map<number, LiveRun>()
  const parts: StoreParts = { path, database, statements, endings, live, now, report }
  await interruptAll(parts)

  let isClosed = false
  let sweeping: Promise<void> | null = null
  const sweep = () => {
    sweeping ??= sweepOnce().finally(() => {
      sweeping = null
    })
    return sweeping
  }
  const timer = setInterval(() => {
    sweep().catch(error => report(storageError(path, error)))
  }, sweepMilliseconds)
  timer.unref()

  async function sweepOnce() {
    await inBatches(() => statements.removeExpired.run(now().getTime(), batchRuns).changes)
    for (const { tenant } of statements.tenants.all()) {
      const name = String(tenant)
      await inBatches(() =>
        Number(statements.bytes.get(name)?.bytes) > tenantBytes
          ? statements.removeOldest.run(name, batchRuns).changes
          : 0,
      )
    }
    endings.retry()
    const oldest = new Date(now().getTime() - chargeDays * 86_400_000)
    statements.forgetCharges.run(dayOf(oldest))
    database.shrink()
  }

  /** Repeats the work until it changes nothing. Requests are served in between. */
  async function inBatches(work: () => number | bigint) {
    while (!isClosed && Number(work()) > 0) await turn()
  }

  return {
    outbox: reports.outbox,
    records: surface => createRecords(database, surface),
    of: tenant => createTenantStore(parts, tenant),
    sweep,

    charges: owner => chargesOf(owner, parts),

    async close() {
      if (isClosed) return
      isClosed = true
      clearInterval(timer)
      await sweeping?.catch(() => {})
      for (const run of [...live.values()]) {
        run.end()
        await interrupt(parts, run)
      }
      endings.retry()
      database.close()
    },
  }
}

/** One after the other: a run in progress can have 8 MB of events. */
async function interruptAll(parts: StoreParts) {
  let last = 0
  for (;;) {
    const row = parts.statements.inProgress.get(last)
    if (!row) return
    const run = parseRow(row)
    last = run.id
    await interrupt(parts, run)
  }
}
