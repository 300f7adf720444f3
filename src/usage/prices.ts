import type { Tokens } from './entry.ts'

/**
 * Dollars per million tokens. Anthropic's list prices as in the model catalog of Claude Code 2.1.330
 * (2026-11-21), so that its `total_cost_usd` equals our figures; tests/e2e/usage.test.ts checks that.
 */
interface Price {
  input: number
  output: number
  cacheWrite5m: number
  cacheWrite1h: number
  cacheRead: number
}

const webSearchUsd = 0.01
/** Factor on the whole price when the caller requested inference in the United States. */
const unitedStates = 1.1

/** Writing to the cache costs a fixed share more than input: 1.25 times for 5 minutes, twice for an hour. */
function price(input: number, output: number, cacheRead = input / 10): Price {
  return { input, output, cacheWrite5m: input * 1.25, cacheWrite1h: input * 2, cacheRead }
}

interface ModelPrice {
  standard: Price
  /** The price of prompts with more tokens than `above`, including cached ones. */
  long?: Price & { above: number }
  fast?: Price
}

const prices: Record<string, ModelPrice> = {
  'claude-3-5-haiku': { standard: price(0.8, 4) },
  'claude-haiku-4-5': { standard: price(1, 5) },
  'claude-haiku-5-5': {
    standard: price(0.1, 0.5),
    long: { above: 100_000, ...price(0.5, 2.5) },
  },
  'claude-3-5-sonnet': { standard: price(3, 15) },
  'claude-3-7-sonnet': { standard: price(3, 15) },
  'claude-sonnet-4': { standard: price(3, 15) },
  'claude-sonnet-4-0': { standard: price(3, 15) },
  'claude-sonnet-4-5': { standard: price(3, 15) },
  'claude-sonnet-4-6': { standard: price(3, 15) },
  'claude-sonnet-5': { standard: price(2, 10) },
  'claude-sonnet-5-5': { standard: price(2, 10, 0.1) },
  'claude-opus-4': { standard: price(15, 75) },
  'claude-opus-4-0': { standard: price(15, 75) },
  'claude-opus-4-1': { standard: price(15, 75) },
  'claude-opus-4-5': { standard: price(5, 25) },
  'claude-opus-4-6': { standard: price(5, 25), fast: price(30, 150) },
  'claude-opus-4-7': { standard: price(5, 25), fast: price(30, 150) },
  'claude-opus-4-8': { standard: price(5, 25), fast: price(10, 50) },
  'claude-opus-5': { standard: price(5, 25), fast: price(10, 50) },
  'claude-opus-5-5': { standard: price(4, 20, 0.2), fast: price(8, 40, 0.4) },
  'claude-fable-5': { standard: price(10, 50) },
  'claude-fable-5-1': { standard: price(10, 50, 0.25) },
  'claude-fable-5-2': { standard: price(8, 40, 0.2), fast: price(16, 80, 0.4) },
  'claude-mythos-5': { standard: price(10, 50) },
  'claude-mythos-5-1': { standard: price(10, 50, 0.25) },
  'claude-mythos-5-2': { standard: price(8, 40, 0.2), fast: price(16, 80, 0.4) },
}

/** The conditions of an answer that change its price. */
export interface Terms {
  fast: boolean
  unitedStates: boolean
}

const highest = {
  standard: maximum(Object.values(prices).map(({ standard }) => standard)),
  fast: maximum(Object.values(prices).map(({ standard, fast }) => fast ?? standard)),
}

/** Returns the cost in dollars; null for a model that is not in the table. */
export function costUsd(model: string, tokens: Tokens, terms: Terms): number | null {
  const known = prices[pricedName(model) ?? '']
  if (!known) return null
  const { input, cacheRead, cacheWrite1h, cacheWrite5m } = tokens
  const prompt = input + cacheRead + cacheWrite1h + cacheWrite5m
  const { standard, long, fast } = known
  if (terms.fast && fast) return total(fast, tokens, terms)
  return total(long && prompt > long.above ? long : standard, tokens, terms)
}

/** Returns the cost at the highest price in the table: for budgets, where the price is unknown. */
export function maximumUsd(tokens: Tokens, terms: Terms): number {
  return total(terms.fast ? highest.fast : highest.standard, tokens, terms)
}

/**
 * Returns the model's name in the table: without release date and window size, and without what Amazon
 * Bedrock and company gateways add, as in `us.anthropic.NAME-20250929-v1:0` or `anthropic/NAME`.
 */
export function pricedName(model: string): string | null {
  const name = model
    .toLowerCase()
    .replace(/^([\w-]+\/)*/, '')
    .replace(/^([a-z-]+\.)?anthropic\./, '')
    .replace(/\[1m\]$/, '')
    .replace(/-v\d+(:\d+)?$/, '')
    .replace(/[-@]\d{8}$/, '')
  return Object.hasOwn(prices, name) ? name : null
}

function total(price: Price, tokens: Tokens, terms: Terms): number {
  const perMillion =
    tokens.input * price.input +
    tokens.output * price.output +
    tokens.cacheWrite5m * price.cacheWrite5m +
    tokens.cacheWrite1h * price.cacheWrite1h +
    tokens.cacheRead * price.cacheRead
  const sum = perMillion / 1e6 + tokens.webSearches * webSearchUsd
  return terms.unitedStates ? sum * unitedStates : sum
}

function maximum(list: readonly Price[]): Price {
  const most = (key: keyof Price) => Math.max(...list.map(price => price[key]))
  return {
    input: most('input'),
    output: most('output'),
    cacheWrite5m: most('cacheWrite5m'),
    cacheWrite1h: most('cacheWrite1h'),
    cacheRead: most('cacheRead'),
  }
}
