import * as z from 'zod/mini'

const count = z.int().check(z.nonnegative())

/** Usage as the Messages API reports it, in tokens; web searches are a count. */
export const Tokens = z.object({
  /** Input that was neither written to the cache nor read from it. */
  input: count,
  output: count,
  cacheWrite5m: count,
  cacheWrite1h: count,
  cacheRead: count,
  webSearches: count,
})
export type Tokens = z.infer<typeof Tokens>

export const noTokens: Tokens = {
  input: 0,
  output: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  cacheRead: 0,
  webSearches: 0,
}

export function addTokens(a: Tokens, b: Tokens): Tokens {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheWrite5m: a.cacheWrite5m + b.cacheWrite5m,
    cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
    cacheRead: a.cacheRead + b.cacheRead,
    webSearches: a.webSearches + b.webSearches,
  }
}

const dollars = z.number().check(z.nonnegative())

/** The meter of requests without a run's header. */
export const interactive = 'interactive'

/** Collects names above the limit, so that the files of a day stay bounded. */
export const otherName = 'other'

/** The origin of a request: a run, by the name that we gave its process, or an interactive session. */
export const MeterName = z.string().check(z.regex(/^([0-9a-f]{16}|interactive|other)$/))

/** The usage of one meter and one model. A line of the gateway's files. */
export const UsageEntry = z.object({
  meter: MeterName,
  model: z.string().check(z.regex(/^[\w.:@/[\]-]{1,80}$/)),
  requests: count,
  /** Requests that the origin refused or failed: they cost nothing. */
  errors: count,
  /** Answers that broke off; their tokens are those reported until then. */
  broken: count,
  /** Answers that did not report their usage. */
  uncounted: count,
  /** Answers of a model without a known price, not included in `costUsd`. */
  unpriced: count,
  ...Tokens.shape,
  /** Cost at list price of everything that has a price. */
  costUsd: dollars,
  /** The amount that budgets count: the cost, or an upper estimate where it is unknown. */
  estimatedUsd: dollars,
})
export type UsageEntry = z.infer<typeof UsageEntry>

/** The counts of a usage entry without any request. */
export const noUsage: Omit<UsageEntry, 'meter' | 'model'> = {
  requests: 0,
  errors: 0,
  broken: 0,
  uncounted: 0,
  unpriced: 0,
  ...noTokens,
  costUsd: 0,
  estimatedUsd: 0,
}

export function addEntries(a: UsageEntry, b: UsageEntry): UsageEntry {
  return {
    ...a,
    requests: a.requests + b.requests,
    errors: a.errors + b.errors,
    broken: a.broken + b.broken,
    uncounted: a.uncounted + b.uncounted,
    unpriced: a.unpriced + b.unpriced,
    ...addTokens(a, b),
    costUsd: a.costUsd + b.costUsd,
    estimatedUsd: a.estimatedUsd + b.estimatedUsd,
  }
}

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
