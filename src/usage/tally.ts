import { addEntries, otherName, type UsageEntry } from './entry.ts'

/** Maximum rows of a day: about two mebibytes in its file. The agent can invent most names. */
const rowLimit = 4096
/** Maximum models that keep their name. */
const modelLimit = 64
/** Maximum rows with the names of sessions and agents, of one meter. A day has half of its rows for them. */
const agentLimit = 128

/** The sums of a day by origin and model. Bounded: further names are counted as `other`. */
export interface Tally {
  /** Adds an entry and returns it under the names that it is counted under. */
  add(entry: UsageEntry): UsageEntry
  entries(): UsageEntry[]
  /** The dollars that budgets count. */
  estimatedUsd(): number
  /** The tokens that budgets count. */
  estimatedTokens(): number
}

/** What counts toward a budget. */
export type Spent = { usd: number; tokens: number }

/** Returns the name of the row that an entry belongs to. None of its parts has a space. */
export function tallyKey({ meter, model, session, agent, parentAgent }: UsageEntry): string {
  return [meter, model, session, agent, parentAgent].join(' ')
}

export function createTally(
  limits = { rows: rowLimit, models: modelLimit, agents: agentLimit },
): Tally {
  const rows = new Map<string, UsageEntry>()
  const models = new Set<string>()
  /** Number of rows with the name of a session or an agent, by meter. */
  const named = new Map<string, number>()
  let allNamed = 0
  let estimatedUsd = 0
  let estimatedTokens = 0

  function boundNames(entry: UsageEntry): UsageEntry {
    if (rows.has(tallyKey(entry))) return entry
    const model = models.has(entry.model) || models.size < limits.models ? entry.model : otherName
    const known = boundAgents({ ...entry, model })
    if (rows.has(tallyKey(known)) || rows.size < limits.rows) return known
    return { ...withoutAgents(known), meter: otherName }
  }

  function boundAgents(entry: UsageEntry): UsageEntry {
    if (!hasNames(entry) || rows.has(tallyKey(entry))) return entry
    const isFull = (named.get(entry.meter) ?? 0) >= limits.agents || allNamed >= limits.rows / 2
    return isFull ? withoutAgents(entry) : entry
  }

  function addRow(key: string, entry: UsageEntry) {
    rows.set(key, entry)
    models.add(entry.model)
    if (!hasNames(entry)) return
    named.set(entry.meter, (named.get(entry.meter) ?? 0) + 1)
    allNamed++
  }

  return {
    add(given) {
      const entry = boundNames(given)
      const key = tallyKey(entry)
      const before = rows.get(key)
      if (before) rows.set(key, addEntries(before, entry))
      else addRow(key, entry)
      estimatedUsd += entry.estimatedUsd
      estimatedTokens += entry.estimatedTokens
      return entry
    },
    entries: () => [...rows.values()],
    estimatedUsd: () => estimatedUsd,
    estimatedTokens: () => estimatedTokens,
  }
}

/** The rows for what is left out are as many as the meters and models. */
function hasNames({ session, agent }: UsageEntry): boolean {
  return session !== undefined || (agent !== undefined && agent !== otherName)
}

/** Keeps whether it is a subagent. */
function withoutAgents({ session, agent, parentAgent, ...entry }: UsageEntry): UsageEntry {
  return agent === undefined ? entry : { ...entry, agent: otherName }
}
