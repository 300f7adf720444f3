import { isRecord } from '../../base/json.ts'
import { RunId } from '../../run/ids.ts'
import type { RunResult } from '../../run/result.ts'
import { interruptedResult } from '../../run/store/interrupted.ts'
import { endedSummary, type RunStore, type RunSummary } from '../../run/store/store.ts'
import { type Database, storageError } from './database.ts'
import type { Endings } from './endings.ts'
import { createLiveRun, type LiveRun } from './live-run.ts'
import { parseResult, parseRow, type RunRow } from './run-row.ts'
import type { Statements } from './statements.ts'
import { storedEvents } from './stored-events.ts'
import { nothing, spentUpTo } from './usage-of-run.ts'

export type StoreParts = {
  path: string
  database: Database
  statements: Statements
  endings: Endings
  /** The runs that this process watches, by their row. */
  live: Map<number, LiveRun>
  now: () => Date
  report: (error: Error) => void
}

const pageRuns = 200
const constraint = 19

/** The runs of one tenant. It finds no run of another. */
export function createTenantStore(parts: StoreParts, tenant: string): RunStore {
  const { path, database, statements, endings, live, now, report } = parts

  const reading = <T>(read: () => T): T => {
    try {
      return read()
    } catch (error) {
      throw storageError(path, error)
    }
  }
  const find = (runId: string): RunRow | null => {
    RunId.parse(runId)
    const row = reading(() => statements.find.get(tenant, runId, now().getTime()))
    return row ? parseRow(row) : null
  }
  const liveRun = (runId: string) => live.get(find(runId)?.id ?? -1)

  /** Returns the result of a run that ended; null while this process watches it. */
  const resultOf = async (row: RunRow): Promise<RunResult | null> => {
    if (live.has(row.id)) return null
    if (row.isInProgress) return endings.waiting(row.id) ?? interrupt(parts, row)
    return (
      parseResult(reading(() => statements.result.get(row.id))?.result) ?? interrupt(parts, row)
    )
  }
  const summaryOf = async (row: RunRow): Promise<RunSummary> => {
    if (!row.isInProgress || live.has(row.id)) return row.summary
    const result = await resultOf(row)
    return result ? endedSummary(row.record, result) : row.summary
  }

  return {
    async create(record) {
      const { runId } = record
      RunId.parse(runId)
      let id: number
      try {
        id = database.durable(() => {
          statements.discardExpired.run(tenant, runId, now().getTime())
          const { lastInsertRowid } = statements.insert.run(
            ...[tenant, runId, record.workspace, record.startedAt, record.prompt, record.model],
            ...[record.owner, record.surface, record.idempotencyKey, record.requestDigest],
          )
          return Number(lastInsertRowid)
        })
      } catch (error) {
        if (isRecord(error) && Number(error.errcode) % 256 === constraint) {
          throw new Error(`run ${runId} is stored already`, { cause: error })
        }
        throw storageError(path, error)
      }
      const leave = () => live.delete(id)
      const run = createLiveRun({ id, record, path, statements, endings, report, leave })
      live.set(id, run)
      return run.log
    },

    async read(runId) {
      const row = find(runId)
      return row && { ...row.record, result: await resultOf(row) }
    },

    async summary(runId) {
      const row = find(runId)
      return row && summaryOf(row)
    },

    async list({ limit = pageRuns, after } = {}) {
      const from = after === undefined ? null : find(after)
      const at = now().getTime()
      const rows = reading(() =>
        from
          ? statements.nextPage.all(tenant, at, from.record.startedAt, from.record.runId, limit + 1)
          : statements.firstPage.all(tenant, at, limit + 1),
      ).map(parseRow)
      const page = rows.slice(0, limit)
      const runs: RunSummary[] = []
      for (const row of page) runs.push(await summaryOf(row))
      return { runs, next: rows.length > limit ? (runs.at(-1)?.runId ?? null) : null }
    },

    async *events(runId, options) {
      const row = find(runId)
      if (!row) return
      yield* storedEvents({ statements, live: () => live.get(row.id) }, row.id, options?.follow)
    },

    async requestCancel(runId) {
      liveRun(runId)?.cancel()
    },

    async sendAnswer(runId, id, answers) {
      liveRun(runId)?.answer(id, answers)
    },
  }
}

/** Ends a run whose watching process died. If that cannot be stored, the next reader finds the same. */
export async function interrupt(
  { statements, endings, report }: StoreParts,
  { id, record }: Pick<RunRow, 'id' | 'record'>,
): Promise<RunResult> {
  const events = () => storedEvents({ statements, live: () => undefined }, id)
  const result = await interruptedResult(record, events())
  let spent = nothing
  for await (const event of events()) spent = spentUpTo(event) ?? spent
  try {
    endings.keep({ id, owner: record.owner, surface: record.surface, result, spent })
  } catch (error) {
    report(error as Error)
  }
  return result
}
