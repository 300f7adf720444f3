import * as z from 'zod/mini'
import { addTokens, Tokens } from './tokens.ts'

const count = z.int().check(z.nonnegative())
const dollars = z.number().check(z.nonnegative())

/** Requests without the header of a run. */
export const interactive = 'interactive'

/** Takes in what would be one name too many: the files of a day must not grow without end. */
export const otherName = 'other'

/** Whose request it was: a run by the name that we gave its process, or a person's session. */
export const MeterName = z.string().check(z.regex(/^([0-9a-f]{16}|interactive|other)$/))

/** What the requests of one meter to one model used. A line of the gateway's files. */
export const UsageEntry = z.object({
  meter: MeterName,
  model: z.string().check(z.regex(/^[\w.:@/[\]-]{1,80}$/)),
  requests: count,
  /** Refused or failed by the origin: these cost nothing. */
  errors: count,
  /** Ended before the answer was complete; the tokens are what was said until then. */
  broken: count,
  /** Answers that did not say what they used. */
  uncounted: count,
  /** Answers of a model without a known price; they are not in `costUsd`. */
  unpriced: count,
  ...Tokens.shape,
  /** At list price, of all that has a price. */
  costUsd: dollars,
  /** What budgets reckon with: where the cost is not known, more than it can have been. */
  estimatedUsd: dollars,
})
export type UsageEntry = z.infer<typeof UsageEntry>

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
