import type { ReadDay } from './day-files.ts'
import { addEntries, interactive, noUsage, type UsageEntry } from './entry.ts'

export type Sums = Omit<UsageEntry, 'meter' | 'model'>

/** A run in the host's store. Several may share the meter of one process. */
export type KnownRun = { runId: string; meter: string; workspace: string; startedAt: string }

export type UsageReport = {
  stack: string
  days: ({ day: string; models: ({ model: string } & Sums)[] } & Sums)[]
  models: ({ model: string } & Sums)[]
  /** Interactive sessions, and every request without a run's header. */
  interactive: Sums
  runs: ({ meter: string; runs: Omit<KnownRun, 'meter'>[] } & Sums)[]
  total: Sums
  today: { day: string; estimatedUsd: number; budgetUsd: number | null; leftUsd: number | null }
  /** Number of unreadable lines. */
  damaged: number
}

export function buildUsageReport(options: {
  stack: string
  /** Oldest first, always with today's. */
  days: readonly ReadDay[]
  /** The first day to show. */
  since: string
  today: string
  budgetUsd: number | null
  runs: readonly KnownRun[]
}): UsageReport {
  const { stack, since, today, budgetUsd, runs } = options
  const shown = options.days.filter(({ day }) => day >= since)
  const entries = shown.flatMap(({ tally }) => tally.entries())
  const byMeter = grouped(entries, ({ meter }) => meter)
  const estimatedUsd = options.days.find(({ day }) => day === today)?.tally.estimatedUsd() ?? 0
  return {
    stack,
    days: shown.map(({ day, tally }) => ({
      day,
      ...sumOf(tally.entries()),
      models: modelsOf(tally.entries()),
    })),
    models: modelsOf(entries),
    interactive: sumOf(byMeter.get(interactive) ?? []),
    runs: [...byMeter]
      .filter(([meter]) => meter !== interactive)
      .map(([meter, list]) => ({
        meter,
        runs: runs.filter(run => run.meter === meter).map(({ meter: _, ...run }) => run),
        ...sumOf(list),
      })),
    total: sumOf(entries),
    today: {
      day: today,
      estimatedUsd,
      budgetUsd,
      leftUsd: budgetUsd === null ? null : Math.max(0, budgetUsd - estimatedUsd),
    },
    damaged: shown.reduce((sum, { damaged }) => sum + damaged, 0),
  }
}

/** Adds up several sums, such as those of a machine's stacks. */
export function addSums(list: readonly Sums[]): Sums {
  return sumOf(list.map(sums => ({ meter: '', model: '', ...sums })))
}

function modelsOf(entries: readonly UsageEntry[]) {
  return [...grouped(entries, ({ model }) => model)]
    .map(([model, list]) => ({ model, ...sumOf(list) }))
    .sort((a, b) => b.estimatedUsd - a.estimatedUsd)
}

function grouped(entries: readonly UsageEntry[], keyOf: (entry: UsageEntry) => string) {
  const groups = new Map<string, UsageEntry[]>()
  for (const entry of entries) {
    const key = keyOf(entry)
    groups.set(key, [...(groups.get(key) ?? []), entry])
  }
  return groups
}

const nothing: UsageEntry = { meter: '', model: '', ...noUsage }

function sumOf(entries: readonly UsageEntry[]): Sums {
  const { meter: _meter, model: _model, ...sums } = entries.reduce(addEntries, nothing)
  return sums
}
