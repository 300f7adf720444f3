import { addTokens, interactive, noTokens, noUsage, type UsageEntry } from '../../usage/entry.ts'
import { costUsd, maximumUsd, pricedName } from '../../usage/prices.ts'
import type { Exchange } from '../gateway-log.ts'
import { headerValues } from '../http/headers.ts'
import { type AnswerReader, createAnswerReader } from './answer-reader.ts'
import { checkDayBudget } from './day-budget.ts'
import type { Ledger } from './ledger.ts'
import type { Asked } from './request-reader.ts'

/**
 * The header in which a run's process sends its name. The gateway never forwards it: no list of passed
 * headers contains it. Any caller of the gateway can forge it, so it decides only whom usage is
 * attributed to, and never how much is counted.
 */
export const meterHeader = 'x-claude-secure-meter'

/** Returns the meter of a request. A malformed header counts as none. */
export function meterOf(rawHeaders: readonly string[]): string {
  return headerValue(rawHeaders, meterHeader) ?? interactive
}

/**
 * Returns a name of 16 hexadecimal digits; null unless the header is present exactly once and well
 * formed.
 */
export function headerValue(rawHeaders: readonly string[], name: string): string | null {
  const values = headerValues(rawHeaders, name)
  const [value = ''] = values
  return values.length === 1 && /^[0-9a-f]{16}$/.test(value) ? value : null
}

/** Names, beside the meter in a HEAD /, the run that the process serves next. */
export const runHeader = 'x-claude-secure-run'

/**
 * Maximum number of processes whose run is remembered. The agent can forge both names, so the oldest
 * entry is evicted.
 */
const maxNames = 4096

/**
 * Maps processes to runs. A process may serve one run after the other and cannot change the header
 * that it sends, so before each run the runner announces to which run the requests of the process
 * belong. This announcement is as forgeable as the header.
 */
export function createRunNames(limit = maxNames) {
  const runs = new Map<string, string>()
  return {
    /** Records the run that a HEAD / announces, if any. */
    see(rawHeaders: readonly string[]) {
      const meter = headerValue(rawHeaders, meterHeader)
      const run = headerValue(rawHeaders, runHeader)
      if (meter === null || run === null) return
      runs.delete(meter)
      runs.set(meter, run)
      const [oldest] = runs.keys()
      if (runs.size > limit && oldest !== undefined) runs.delete(oldest)
    },
    of: (meter: string) => runs.get(meter) ?? meter,
  }
}

/** Minimum bytes per token, used where only a byte count is known. */
const tokenBytes = 3

/** Counts the usage of the stack's requests, and refuses requests over its budget. */
export interface Accounting {
  /** Throws an `ApiError` when the budget is used up. */
  admit(): void
  /** Opens the account of a request that is about to be sent to the origin. */
  begin(meter: string, exchange: Exchange): Account
  close(): Promise<void>
}

export interface Account {
  /**
   * Records what the whole body asks for, before the origin has all of it. Throws an `ApiError` when
   * what other requests may still cost leaves nothing of the budget.
   */
  asked(asked: Asked): void
  /** Records the start of an answer; returns a function that must receive the answer's bytes, if any. */
  answered(status: number, headers: AnswerHeaders): ((chunk: Buffer) => void) | undefined
  /** Records the end of the request, successful or not. Never throws. */
  end(): void
}

type AnswerHeaders = Parameters<typeof createAnswerReader>[0]

export function createAccounting(options: {
  ledger: Ledger
  /** Null means no budget. */
  dayBudgetUsd: number | null
}): Accounting {
  const { ledger, dayBudgetUsd } = options
  const open = new Map<Account, (until: Until) => UsageEntry>()
  const sum = (until: Until, except?: Account) =>
    [...open].reduce(
      (usd, [account, entry]) => usd + (account === except ? 0 : entry(until).estimatedUsd),
      0,
    )
  const check = (except?: Account) =>
    checkDayBudget({
      budgetUsd: dayBudgetUsd,
      ledger,
      inFlight: () => sum('now', except),
      reserved: () => sum('its-end', except),
    })

  return {
    admit: () => check(),
    begin(meter, exchange) {
      let status: number | null = null
      let reader: AnswerReader | null = null
      const entry = (until: Until) => usageEntry({ meter, exchange, status, reader, until })
      const account: Account = {
        asked(asked) {
          check(account)
          exchange.asked = asked
        },
        answered(code, headers) {
          status = code
          reader = code < 300 ? createAnswerReader(headers) : null
          return reader?.write
        },
        end() {
          open.delete(account)
          ledger.add(entry('broken-off'))
        },
      }
      open.set(account, entry)
      return account
    },
    close: () => ledger.close(),
  }
}

/**
 * How far a request is estimated: what it has cost by now, what it costs at most at its end, or what it
 * costs if nothing more is known of it. An origin goes on when its caller leaves, so a request without
 * reported usage then costs its `max_tokens`.
 */
type Until = 'now' | 'its-end' | 'broken-off'

/** Builds the usage entry of a request from what is known so far. */
function usageEntry(options: {
  meter: string
  exchange: Exchange
  status: number | null
  reader: AnswerReader | null
  until: Until
}): UsageEntry {
  const { meter, exchange, status, reader, until } = options
  const count = reader?.count()
  const asked = exchange.asked
  const atMost = until === 'now' || count?.complete ? undefined : asked
  const maxTokens = atMost?.maxTokens ?? 0
  const fetched = atMost?.fetchedTokens ?? 0
  // Trusts the origin for the model's name: the caller could name any.
  const claimed = asked ? asked.model : (exchange.model ?? null)
  const model = modelKey(count?.model ?? pricedName(claimed ?? ''))
  const entry: UsageEntry = { meter, model, ...noUsage, requests: 1 }
  // The origin refused or never received the request: Anthropic charges for answers only.
  const failed = until === 'broken-off' && exchange.broken === undefined
  if (status === null ? failed : status >= 300) return { ...entry, errors: 1 }

  const sent = Math.ceil((exchange.request?.bytes ?? 0) / tokenBytes)
  const received = Math.ceil((exchange.answer?.bytes ?? 0) / tokenBytes)
  const broken = exchange.broken !== undefined || count?.complete === false ? 1 : 0
  if (!count?.counted) {
    const reported = count?.usage.tokens ?? noTokens
    const guess = {
      ...noTokens,
      input: Math.max(sent, fetched),
      output: Math.max(received, maxTokens),
    }
    // Until the answer says what it costs, the request does: its model and terms are the caller's own
    // claim, and the origin charges by them. An answer that cannot be read costs the highest price.
    const awaited = status === null || (count && !count.malformed && !count.complete)
    const terms = awaited && asked ? asked.terms : { fast: status !== null, unitedStates: false }
    const expected = awaited && (status === null || asked) ? costUsd(model, guess, terms) : null
    return {
      ...entry,
      broken,
      uncounted: 1,
      estimatedUsd: expected ?? Math.max(maximumUsd(guess, terms), maximumUsd(reported, terms)),
    }
  }
  const { usage, unreportedOutput } = count
  const { tokens, terms } = usage
  const costs = [
    { model, tokens },
    ...usage.apart.map(other => ({ tokens: other.tokens, model: modelKey(other.model ?? model) })),
  ].map(part => ({ ...part, cost: costUsd(part.model, part.tokens, terms) }))
  const all = usage.apart.reduce((sum, other) => addTokens(sum, other.tokens), tokens)
  // A caller that leaves early is charged for the output until then, and cannot hide it.
  const seen = until === 'its-end' ? Math.max(unreportedOutput, maxTokens) : unreportedOutput
  // What a tool of the origin fetches is input that only the end of the answer reports.
  const unreported = {
    ...noTokens,
    input: Math.max(0, fetched - tokens.input - tokens.cacheRead),
    output: Math.max(0, seen - tokens.output),
  }
  return {
    ...entry,
    broken,
    unpriced: costs.some(({ cost }) => cost === null) ? 1 : 0,
    ...all,
    costUsd: costs.reduce((sum, { cost }) => sum + (cost ?? 0), 0),
    estimatedUsd:
      costs.reduce((sum, { cost, tokens }) => sum + (cost ?? maximumUsd(tokens, terms)), 0) +
      (costUsd(model, unreported, terms) ?? maximumUsd(unreported, terms)),
  }
}

function modelKey(model: string | null): string {
  if (model === null) return 'unknown'
  return pricedName(model) ?? (/^[\w.:@/[\]-]{1,80}$/.test(model) ? model : 'unknown')
}
