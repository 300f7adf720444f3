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

/** Returns all tokens, as a budget counts them: cached input too. */
export function tokenCount(tokens: Tokens): number {
  const { input, output, cacheWrite5m, cacheWrite1h, cacheRead } = tokens
  return input + output + cacheWrite5m + cacheWrite1h + cacheRead
}

const dollars = z.number().check(z.nonnegative())

/** The meter of requests without a run's header. */
export const interactive = 'interactive'

/** Collects names above the limit, so that the files of a day stay bounded. */
export const otherName = 'other'

/** The origin of a request: a run, by the name that we gave its process, or an interactive session. */
export const MeterName = z.string().check(z.regex(/^([0-9a-f]{16}|interactive|other)$/))

/**
 * The form of a name that Claude Code gives a session or an agent. The caller may send any other; one
 * like a key would make the audit report a key in these files.
 */
export const AgentName = z.string().check(z.regex(/^(?!.*sk-ant-)[\w.:%@-]{1,64}$/))

/** Where requests come from. The names of sessions and agents are the caller's own claim. */
const Origin = z.object({
  meter: MeterName,
  session: z.optional(AgentName),
  /** A subagent; absent for the main conversation. */
  agent: z.optional(AgentName),
  /** The agent that started it; absent for the main conversation. */
  parentAgent: z.optional(AgentName),
})
export type UsageOrigin = z.infer<typeof Origin>

const counts = z.object({
  ...Origin.shape,
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
  /** The dollars that budgets count: the cost, or an upper estimate where it is unknown. */
  estimatedUsd: dollars,
  /** The tokens that budgets count: those reported, or an upper estimate. Older files have none. */
  estimatedTokens: z.optional(count),
})

/** The usage of one origin and one model. A line of the gateway's files. */
export const UsageEntry = z.pipe(
  counts,
  z.transform(({ estimatedTokens, ...entry }) => ({
    ...entry,
    estimatedTokens: estimatedTokens ?? tokenCount(entry),
  })),
)
export type UsageEntry = z.infer<typeof UsageEntry>

/** The counts of a usage entry without any request. */
export const noUsage: Omit<UsageEntry, keyof UsageOrigin | 'model'> = {
  requests: 0,
  errors: 0,
  broken: 0,
  uncounted: 0,
  unpriced: 0,
  ...noTokens,
  costUsd: 0,
  estimatedUsd: 0,
  estimatedTokens: 0,
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
    estimatedTokens: a.estimatedTokens + b.estimatedTokens,
  }
}
