import { join } from 'node:path'
import { TenantName } from '../../config/tenants.ts'
import { listDays, readDay } from '../../usage/day-files.ts'
import type { Charge } from '../store/charges.ts'
import { addSpent, nothing, type Spent } from '../store/usage-of-run.ts'

/**
 * Adds up what runs cost: of each the larger of what Claude Code reported and what the gateway counted, because
 * an agent can call the gateway without Claude Code, and end it before it reports. The gateway writes its
 * counts within a second, also of requests that end after their run, so each call reads them again.
 *
 * @param usageFolder holds the gateway's files, in a folder for each tenant
 */
export async function addCharges(charges: readonly Charge[], usageFolder: string): Promise<Spent> {
  let sum = nothing
  for (const [tenant, ofTenant] of groupBy(charges, charge => charge.tenant)) {
    // It becomes a part of a path.
    TenantName.parse(tenant)
    const counted = await readCounts(join(usageFolder, tenant), ofTenant)
    // Runs that share a meter share its counts.
    for (const runs of groupBy(ofTenant, charge => charge.meter).values()) {
      sum = addSpent(sum, larger(runs.reduce(addSpent, nothing), counted(runs)))
    }
  }
  return sum
}

/** Reads the days since the first of the runs began. */
async function readCounts(folder: string, charges: readonly Charge[]) {
  const [first = ''] = charges.map(({ since }) => since).sort()
  const counts: { day: string; meter: string; spent: Spent }[] = []
  for (const { day } of (await listDays(folder)).filter(({ day }) => day >= first)) {
    const { tally } = await readDay(folder, day)
    for (const { meter, estimatedUsd: usd, estimatedTokens: tokens } of tally.entries()) {
      counts.push({ day, meter, spent: { usd, tokens } })
    }
  }
  return (runs: readonly Charge[]): Spent => {
    const names = new Set(runs.flatMap(({ runId, meter }) => [runId, meter]))
    const [since = ''] = runs.map(run => run.since).sort()
    return counts
      .filter(({ day, meter }) => day >= since && names.has(meter))
      .reduce((sum, { spent }) => addSpent(sum, spent), nothing)
  }
}

function larger(one: Spent, other: Spent): Spent {
  return { usd: Math.max(one.usd, other.usd), tokens: Math.max(one.tokens, other.tokens) }
}

function groupBy<T>(list: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>()
  for (const item of list) {
    const group = groups.get(keyOf(item))
    if (group) group.push(item)
    else groups.set(keyOf(item), [item])
  }
  return groups
}
