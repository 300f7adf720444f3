import type { RunResult } from '../../run/result.ts'
import { type Database, storageError } from './database.ts'
import type { ReportStore } from './outbox.ts'
import type { Statements } from './statements.ts'
import type { Spent } from './usage-of-run.ts'

export type RunEnd = {
  id: number
  owner: string | null
  surface: string
  result: RunResult
  spent: Spent
}

export type EndingsOptions = {
  path: string
  database: Database
  statements: Statements
  reports: ReportStore
  now: () => Date
  /** Milliseconds for which a result is kept. */
  ttl: number
}

/** Maximum bytes of a result with its turns. */
const resultBytes = 64 * 1024 * 1024
/** Bounds on results that wait in memory for a disk with space: of a larger one only the outcome waits. */
const waitingRuns = 200
const waitingBytes = 1024 * 1024
const waitingSum = 16 * 1024 * 1024

/** Stores how runs end, with what they spent, in one step. A result that cannot be stored waits in memory. */
export function createEndings({ path, database, statements, reports, now, ttl }: EndingsOptions) {
  const waiting = new Map<number, RunEnd & { bytes: number }>()

  const store = ({ id, owner, surface, result, spent }: RunEnd) => {
    const whole = JSON.stringify(result)
    const isLarge = Buffer.byteLength(whole) > resultBytes
    const text = isLarge ? JSON.stringify({ ...result, turns: [] }) : whole
    const usd = result.costUsd ?? spent.usd
    database.durable(() => {
      const { changes } = statements.end.run(
        result.status,
        result.endedAt,
        result.sessionId,
        result.costUsd,
        spent.tokens,
        result.error && JSON.stringify(result.error),
        now().getTime() + ttl,
        text,
        Buffer.byteLength(text),
        id,
      )
      // A run ends, costs and is reported once.
      if (Number(changes) > 0) {
        const meter = result.meter ?? result.runId
        statements.charge.run(dayOf(now()), owner ?? '', meter, usd, spent.tokens, id)
        const tenant = String(statements.tenantOf.get(id)?.tenant ?? '')
        reports.add({ tenant, token: owner ?? '', surface, result })
      }
    })
    reports.wake()
  }

  return {
    /** Throws when the result could not be stored; it is then tried again. */
    keep(end: RunEnd): void {
      try {
        store(end)
        waiting.delete(end.id)
      } catch (error) {
        waiting.delete(end.id)
        const { result } = end
        const bytes = JSON.stringify(result).length
        const sum = [...waiting.values()].reduce((held, one) => held + one.bytes, bytes)
        waiting.set(
          end.id,
          bytes > waitingBytes || sum > waitingSum
            ? { ...end, result: { ...result, claude: null, turns: [] }, bytes: 0 }
            : { ...end, bytes },
        )
        const [oldest] = waiting.keys()
        if (waiting.size > waitingRuns && oldest !== undefined) waiting.delete(oldest)
        throw storageError(path, error)
      }
    },

    /** Returns the result of a run that ended and could not be stored. */
    waiting: (id: number): RunResult | null => waiting.get(id)?.result ?? null,

    /** Returns the ends of this owner's runs whose results could not be stored. */
    waitingOf: (owner: string): RunEnd[] =>
      [...waiting.values()].filter(end => end.owner === owner),

    /** Tries to store what waits, up to the first failure. */
    retry(): void {
      for (const [id, end] of waiting) {
        try {
          store(end)
        } catch {
          return
        }
        waiting.delete(id)
      }
    },
  }
}
export type Endings = ReturnType<typeof createEndings>

/** Returns the day (UTC) on which something was spent. */
export function dayOf(date: Date): string {
  return date.toISOString().slice(0, 10)
}
