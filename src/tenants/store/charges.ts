import * as z from 'zod'
import { dayOf, type Endings } from './endings.ts'
import type { LiveRun } from './live-run.ts'
import type { Statements } from './statements.ts'

/** A run that counts toward a day's budget of its token, with what Claude Code reported of it. */
export type Charge = {
  tenant: string
  runId: string
  /** The name under which the gateway counted the run; the run's id, unless the gateway did not take it. */
  meter: string
  /** The day (UTC) on which the run began. */
  since: string
  usd: number
  tokens: number
}

const Row = z.object({
  ...{ tenant: z.string(), run_id: z.string(), meter: z.string(), since: z.string() },
  ...{ usd: z.number(), tokens: z.number() },
})

/** Lists the runs of this owner that ended since midnight (UTC), and those in progress. */
export function chargesOf(
  owner: string,
  parts: {
    statements: Statements
    endings: Endings
    live: ReadonlyMap<number, LiveRun>
    now: () => Date
  },
): Charge[] {
  const { statements, endings, live, now } = parts
  const tenantOf = (id: number) => String(statements.tenantOf.get(id)?.tenant ?? '')
  const stored = statements.charges.all(dayOf(now()), owner).map(row => {
    const { run_id: runId, ...charge } = Row.parse(row)
    return { ...charge, runId }
  })
  const waiting = endings.waitingOf(owner).map(({ id, result, spent }) => ({
    tenant: tenantOf(id),
    runId: result.runId,
    meter: result.meter ?? result.runId,
    since: result.startedAt.slice(0, 10),
    usd: result.costUsd ?? spent.usd,
    tokens: spent.tokens,
  }))
  const running = [...live.values()]
    .filter(({ record }) => record.owner === owner)
    .map(({ id, record, spent }) => ({
      tenant: tenantOf(id),
      runId: record.runId,
      meter: record.runId,
      since: record.startedAt.slice(0, 10),
      ...spent(),
    }))
  return [...stored, ...waiting, ...running]
}
