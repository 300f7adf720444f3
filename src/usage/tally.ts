import { addEntries, otherName, type UsageEntry } from './entry.ts'

/** Rows of a day: about a mebibyte in its file. */
const rowLimit = 4096
/** Meters and models that are not `other`. The agent can make up both. */
const modelLimit = 64

/** Sums of a day by meter and model. Bounded: what comes after the last free row is `other`. */
export interface Tally {
  /** Adds it, and says under which names. */
  add(entry: UsageEntry): UsageEntry
  entries(): UsageEntry[]
  /** Dollars, as budgets reckon them. */
  estimatedUsd(): number
}

export function createTally(limits = { rows: rowLimit, models: modelLimit }): Tally {
  const rows = new Map<string, UsageEntry>()
  const models = new Set<string>()
  let total = 0
  const keyOf = ({ meter, model }: UsageEntry) => `${meter} ${model}`

  function named(entry: UsageEntry): UsageEntry {
    if (rows.has(keyOf(entry))) return entry
    const model = models.has(entry.model) || models.size < limits.models ? entry.model : otherName
    const next = { ...entry, model }
    return rows.has(keyOf(next)) || rows.size < limits.rows ? next : { ...next, meter: otherName }
  }

  return {
    add(given) {
      const entry = named(given)
      const before = rows.get(keyOf(entry))
      rows.set(keyOf(entry), before ? addEntries(before, entry) : entry)
      models.add(entry.model)
      total += entry.estimatedUsd
      return entry
    },
    entries: () => [...rows.values()],
    estimatedUsd: () => total,
  }
}
