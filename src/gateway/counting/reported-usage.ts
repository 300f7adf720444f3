import * as z from 'zod/mini'
import type { Terms } from '../../usage/prices.ts'
import { noTokens, type Tokens } from '../../usage/tokens.ts'

const count = z.nullish(z.int().check(z.nonnegative(), z.maximum(1e10)))

const counts = {
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation: z.nullish(z.object({ ephemeral_1h_input_tokens: count })),
}

/** The `usage` of the Messages API. In a stream it comes twice, and the later one may have gaps. */
const ReportedUsage = z.object({
  ...counts,
  server_tool_use: z.nullish(z.object({ web_search_requests: count })),
  speed: z.nullish(z.string()),
  inference_geo: z.nullish(z.string()),
  iterations: z.nullish(
    z.array(z.object({ type: z.string(), model: z.nullish(z.string()), ...counts })),
  ),
})
type ReportedUsage = z.infer<typeof ReportedUsage>
type Counts = Pick<ReportedUsage, keyof typeof counts>

/** Work for the answer by another model, or before it began. The sums of the answer are without it. */
const apart = new Set(['advisor_message', 'compaction'])
const iterationLimit = 256

export interface Usage {
  tokens: Tokens
  terms: Terms
  /** What is not in `tokens`; without a model it is the answer's own. */
  apart: { model: string | null; tokens: Tokens }[]
}

export const noUsage: Usage = {
  tokens: noTokens,
  terms: { fast: false, unitedStates: false },
  apart: [],
}

/** What the origin says it used, over what it said before; null for what is no such thing. */
export function parseUsage(value: unknown, before: Usage = noUsage): Usage | null {
  const parsed = ReportedUsage.safeParse(value)
  if (!parsed.success) return null
  const { speed, inference_geo: place, iterations } = parsed.data
  if ((iterations?.length ?? 0) > iterationLimit) return null
  const others = (iterations ?? []).filter(({ type }) => apart.has(type))
  return {
    tokens: {
      ...tokensOf(parsed.data, before.tokens),
      webSearches: parsed.data.server_tool_use?.web_search_requests || before.tokens.webSearches,
    },
    terms: {
      fast: typeof speed === 'string' ? speed === 'fast' : before.terms.fast,
      unitedStates: typeof place === 'string' ? place === 'us' : before.terms.unitedStates,
    },
    apart:
      others.length > 0
        ? others.map(other => ({ model: other.model ?? null, tokens: tokensOf(other, noTokens) }))
        : before.apart,
  }
}

/** As Claude Code reads it: a later zero or gap does not take back what was said. */
function tokensOf(counts: Counts, before: Tokens): Tokens {
  const written = counts.cache_creation_input_tokens || before.cacheWrite5m + before.cacheWrite1h
  const hour = Math.min(
    written,
    counts.cache_creation?.ephemeral_1h_input_tokens ?? before.cacheWrite1h,
  )
  return {
    input: counts.input_tokens || before.input,
    output: counts.output_tokens ?? before.output,
    cacheWrite5m: written - hour,
    cacheWrite1h: hour,
    cacheRead: counts.cache_read_input_tokens || before.cacheRead,
    webSearches: 0,
  }
}
