import type { ReadDay } from './day-files.ts'
import { addEntries, interactive, noUsage, type UsageEntry, type UsageOrigin } from './entry.ts'

export type Sums = Omit<UsageEntry, keyof UsageOrigin | 'model'>

/** A session's main conversation, or a subagent of it, by the names that Claude Code sent. */
export type AgentUsage = {
  session: string | null
  /** Null for the main conversation. */
  agent: string | null
  /** The agent that started it; null for the main conversation. */
  parentAgent: string | null
} & Sums

/** What may be used of a day (UTC); null for no limit. */
export type ReportedBudget = { usd: number | null; tokens: number | null }

/** A run in the host's store. Several may share the meter of one process. */
export type KnownRun = { runId: string; meter: string; workspace: string; startedAt: string }

export type UsageReport = {
  stack: string
  /** Of a server; null for a stack without tenants. */
  tenant: string | null
  days: ({ day: string; models: ({ model: string } & Sums)[] } & Sums)[]
  models: ({ model: string } & Sums)[]
  /** Sessions in a terminal, and every request that names no run. */
  interactive: { agents: AgentUsage[] } & Sums
  runs: ({ meter: string; runs: Omit<KnownRun, 'meter'>[]; agents: AgentUsage[] } & Sums)[]
  total: Sums
  today: {
    day: string
    estimatedUsd: number
    budgetUsd: number | null
    leftUsd: number | null
    estimatedTokens: number
    budgetTokens: number | null
    leftTokens: number | null
  }
  /** Number of unreadable lines. */
  damaged: number
}

export function buildUsageReport(options: {
  stack: string
  tenant?: string | null
  /** Oldest first, always with today's. */
  days: readonly ReadDay[]
  /** The first day to show. */
  since: string
  today: string
  budget: ReportedBudget
  runs: readonly KnownRun[]
}): UsageReport {
  const { stack, tenant = null, since, today, budget, runs } = options
  const shown = options.days.filter(({ day }) => day >= since)
  const entries = shown.flatMap(({ tally }) => tally.entries())
  const byMeter = grouped(entries, ({ meter }) => meter)
  const counts = options.days.find(({ day }) => day === today)?.tally
  const estimatedUsd = counts?.estimatedUsd() ?? 0
  const estimatedTokens = counts?.estimatedTokens() ?? 0
  const session = byMeter.get(interactive) ?? []
  return {
    stack,
    tenant,
    days: shown.map(({ day, tally }) => ({
      day,
      ...sumOf(tally.entries()),
      models: modelsOf(tally.entries()),
    })),
    models: modelsOf(entries),
    interactive: { ...sumOf(session), agents: agentsOf(session) },
    runs: [...byMeter]
      .filter(([meter]) => meter !== interactive)
      .map(([meter, list]) => ({
        meter,
        runs: runs.filter(run => run.meter === meter).map(({ meter: _, ...run }) => run),
        agents: agentsOf(list),
        ...sumOf(list),
      })),
    total: sumOf(entries),
    today: {
      day: today,
      estimatedUsd,
      budgetUsd: budget.usd,
      leftUsd: leftOf(budget.usd, estimatedUsd),
      estimatedTokens,
      budgetTokens: budget.tokens,
      leftTokens: leftOf(budget.tokens, estimatedTokens),
    },
    damaged: shown.reduce((sum, { damaged }) => sum + damaged, 0),
  }
}

/** Adds up several sums, such as those of a machine's stacks. */
export function addSums(list: readonly Sums[]): Sums {
  return sumOf(list.map(sums => ({ meter: '', model: '', ...sums })))
}

function leftOf(budget: number | null, used: number): number | null {
  return budget === null ? null : Math.max(0, budget - used)
}

function agentsOf(entries: readonly UsageEntry[]): AgentUsage[] {
  const byAgent = grouped(entries, entry =>
    [entry.session, entry.agent, entry.parentAgent].join(' '),
  )
  return [...byAgent.values()]
    .map(list => {
      const [{ session = null, agent = null, parentAgent = null } = {}] = list
      return { session, agent, parentAgent, ...sumOf(list) }
    })
    .sort((a, b) => b.estimatedUsd - a.estimatedUsd)
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
  const { meter, model, session, agent, parentAgent, ...sums } = entries.reduce(addEntries, nothing)
  return sums
}
