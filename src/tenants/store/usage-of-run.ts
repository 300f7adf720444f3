import * as z from 'zod'
import type { RunEvent } from '../../run/result.ts'

export type Spent = { usd: number; tokens: number }
export const nothing: Spent = { usd: 0, tokens: 0 }

export const addSpent = (one: Spent, other: Spent): Spent => ({
  usd: one.usd + other.usd,
  tokens: one.tokens + other.tokens,
})

const count = z.number().min(0).default(0)

/** Claude Code's result, in which the runner leaves what this run alone has used. */
const Result = z.object({
  type: z.literal('result'),
  total_cost_usd: z.number().min(0).default(0),
  modelUsage: z
    .record(
      z.string(),
      z.object({
        inputTokens: count,
        outputTokens: count,
        cacheReadInputTokens: count,
        cacheCreationInputTokens: count,
      }),
    )
    .default({}),
})

/**
 * Returns what a run used from its beginning to this event; null unless it is a result of Claude Code. A later
 * result includes the earlier ones.
 */
export function spentUpTo(event: RunEvent): Spent | null {
  if (event.kind !== 'claude' || event.message.type !== 'result') return null
  const result = Result.safeParse(event.message)
  if (!result.success) return null
  const tokens = Object.values(result.data.modelUsage)
    .flatMap(usage => Object.values(usage))
    .reduce((sum, value) => sum + value, 0)
  return { usd: result.data.total_cost_usd, tokens: Math.round(tokens) }
}
