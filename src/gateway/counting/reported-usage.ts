import * as z from 'zod/mini'
import { noTokens, type Tokens } from '../../usage/entry.ts'
import type { Terms } from '../../usage/prices.ts'

const count = z.nullish(z.int().check(z.nonnegative(), z.maximum(1e10)))

const counts = {
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation: z.nullish(z.object({ ephemeral_1h_input_tokens: count })),
}

/** The `usage` of the Messages API. A stream reports it twice, and the later report may lack fields. */
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

/** Iterations by another model, or before the answer began. The answer's totals exclude them. */
const apart = new Set(['advisor_message', 'compaction'])
const iterationLimit = 256

export interface Usage {
  tokens: Tokens
  terms: Terms
  /** Usage that `tokens` excludes; without a model it belongs to the model of the answer. */
  apart: { model: string | null; tokens: Tokens }[]
}

export const noUsage: Usage = {
  tokens: noTokens,
  terms: { fast: false, unitedStates: false },
  apart: [],
}

/**
 * Merges the usage that the origin reports into the earlier report; returns null for an invalid value.
 */
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

/** Merges as Claude Code does: a later zero or missing field does not replace an earlier value. */
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
