import * as z from 'zod'
import type { RunResult } from '../../run/result.ts'

/** Tokens of an answer. A token of the prompt is in one of the first three. */
export type TokenCounts = {
  input: number
  cacheCreation: number
  cacheRead: number
  output: number
}

const tokens = z.number().min(0).catch(0)
const Counted = z.looseObject({
  input_tokens: tokens,
  cache_creation_input_tokens: tokens,
  cache_read_input_tokens: tokens,
  output_tokens: tokens,
})

/** Reads the tokens of a run. What Claude Code does not count is 0. */
export function tokensOf({ claude }: Pick<RunResult, 'claude'>): TokenCounts {
  const counted = Counted.safeParse(claude?.usage)
  const usage = counted.success ? counted.data : null
  return {
    input: usage?.input_tokens ?? 0,
    cacheCreation: usage?.cache_creation_input_tokens ?? 0,
    cacheRead: usage?.cache_read_input_tokens ?? 0,
    output: usage?.output_tokens ?? 0,
  }
}

export function addTokens(one: TokenCounts | null, other: TokenCounts): TokenCounts {
  return one ? combined(one, other, (a, b) => a + b) : other
}

/** Returns the tokens of the rest of a run, of which earlier answers counted a part. */
export function tokensWithout(all: TokenCounts, earlier: TokenCounts | null): TokenCounts {
  return earlier ? combined(all, earlier, (a, b) => Math.max(0, a - b)) : all
}

function combined(
  one: TokenCounts,
  other: TokenCounts,
  combine: (a: number, b: number) => number,
): TokenCounts {
  return {
    input: combine(one.input, other.input),
    cacheCreation: combine(one.cacheCreation, other.cacheCreation),
    cacheRead: combine(one.cacheRead, other.cacheRead),
    output: combine(one.output, other.output),
  }
}
