import { isRecord } from '../../base/json.ts'
import { readRegularFileSync, textOf } from '../../files/regular-file.ts'

type Json = Record<string, unknown>

/** Totals over the life of a process, as Claude Code's last result reported them. */
export type Totals = { total_cost_usd: number; duration_api_ms: number; modelUsage: Json }

export const noTotals: Totals = { total_cost_usd: 0, duration_api_ms: 0, modelUsage: {} }

/** Bytes at the end of a transcript that are searched for its last totals. */
const tailBytes = 4 * 1024 * 1024

/**
 * Reads the totals with which Claude Code resumes a session: at the end of each process it writes them to
 * the transcript, and the next process adds to them.
 */
export function totalsOf(transcript: string): Totals {
  try {
    // The agent owns the file, so a failure to read it must not end the runner.
    const line = textOf(readRegularFileSync(transcript, { limit: tailBytes, part: 'tail' }))
      ?.split('\n')
      .findLast(line => line.startsWith('{"type":"cost-state"'))
    const { totalCostUSD, totalAPIDuration, modelUsage } = JSON.parse(line ?? '{}')
    return {
      total_cost_usd: numberOf(totalCostUSD),
      duration_api_ms: numberOf(totalAPIDuration),
      modelUsage: isRecord(modelUsage) ? modelUsage : {},
    }
  } catch {
    return noTotals
  }
}

/** Members of `modelUsage` that describe the model, not its usage. */
const notCounted = new Set(['contextWindow', 'maxOutputTokens'])

/**
 * Returns a result with the totals of this run alone, and the totals so far. Claude Code reports
 * `total_cost_usd`, `duration_api_ms` and `modelUsage` since the process began; a process that serves
 * several runs would charge each run for all earlier ones.
 */
export function ownTotals(result: Json, before: Totals): { own: Json; totals: Totals } {
  const totals: Totals = {
    total_cost_usd: numberOf(result.total_cost_usd),
    duration_api_ms: numberOf(result.duration_api_ms),
    modelUsage: isRecord(result.modelUsage) ? result.modelUsage : {},
  }
  const own: Json = { ...result }
  if ('total_cost_usd' in result) {
    own.total_cost_usd = difference(totals.total_cost_usd, before.total_cost_usd)
  }
  if ('duration_api_ms' in result) {
    own.duration_api_ms = difference(totals.duration_api_ms, before.duration_api_ms)
  }
  if ('modelUsage' in result) own.modelUsage = ownUsage(totals.modelUsage, before.modelUsage)
  return { own, totals }
}

function ownUsage(now: Json, before: Json): Json {
  return Object.fromEntries(
    Object.entries(now)
      .map(([model, usage]) => [model, subtract(usage, before[model])] as const)
      // Drops models that only earlier runs used.
      .filter(([model, usage]) => !(model in before) || isUsed(usage)),
  )
}

function subtract(usage: unknown, before: unknown): unknown {
  if (!isRecord(usage) || !isRecord(before)) return usage
  return Object.fromEntries(
    Object.entries(usage).map(([name, value]) => [
      name,
      typeof value === 'number' && !notCounted.has(name)
        ? difference(value, numberOf(before[name]))
        : value,
    ]),
  )
}

function isUsed(usage: unknown) {
  return (
    !isRecord(usage) ||
    Object.entries(usage).some(
      ([name, value]) => typeof value === 'number' && value > 0 && !notCounted.has(name),
    )
  )
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : 0)

/** Subtracts, and rounds off the noise of floating point in the last digits. */
const difference = (now: number, before: number) =>
  Math.max(0, Number((now - before).toPrecision(12)))
