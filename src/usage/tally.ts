import { addEntries, otherName, type UsageEntry } from './entry.ts'

/** Maximum rows of a day: about a mebibyte in its file. The agent can invent meters and models. */
const rowLimit = 4096
/** Maximum models that keep their name. */
const modelLimit = 64

/** The sums of a day by meter and model. Bounded: further names are counted as `other`. */
export interface Tally {
  /** Adds an entry and returns it under the names that it is counted under. */
  add(entry: UsageEntry): UsageEntry
  entries(): UsageEntry[]
  /** The dollars that budgets count. */
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
