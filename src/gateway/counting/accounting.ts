import {
  addTokens,
  noTokens,
  noUsage,
  tokenCount,
  type UsageEntry,
  type UsageOrigin,
} from '../../usage/entry.ts'
import { costUsd, maximumUsd, pricedName } from '../../usage/prices.ts'
import type { Spent } from '../../usage/tally.ts'
import type { Exchange } from '../gateway-log.ts'
import { type AnswerReader, createAnswerReader } from './answer-reader.ts'
import { checkDayBudget, type DayBudget } from './day-budget.ts'
import type { Ledger } from './ledger.ts'
import type { Asked } from './request-reader.ts'

/** Minimum bytes per token, used where only a byte count is known. */
const tokenBytes = 3

/** Counts the usage of a caller's requests, and refuses requests over its budget. */
export interface Accounting {
  /** Throws an `ApiError` when the budget is used up. */
  admit(): void
  /** Opens the account of a request that is about to be sent to the origin. */
  begin(origin: UsageOrigin, exchange: Exchange): Account
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
  /** The present budget: it may change between two requests. */
  budget: () => DayBudget
}): Accounting {
  const { ledger, budget } = options
  const open = new Map<Account, (until: Until) => UsageEntry>()
  function sum(until: Until, except?: Account): Spent {
    const spent = { usd: 0, tokens: 0 }
    for (const [account, entry] of open) {
      if (account === except) continue
      const { estimatedUsd, estimatedTokens } = entry(until)
      spent.usd += estimatedUsd
      spent.tokens += estimatedTokens
    }
    return spent
  }
  const check = (except?: Account) =>
    checkDayBudget({
      budget: budget(),
      ledger,
      inFlight: () => sum('now', except),
      reserved: () => sum('its-end', except),
    })

  return {
    admit: () => check(),
    begin(origin, exchange) {
      let status: number | null = null
      let reader: AnswerReader | null = null
      const entry = (until: Until) => usageEntry({ origin, exchange, status, reader, until })
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
  origin: UsageOrigin
  exchange: Exchange
  status: number | null
  reader: AnswerReader | null
  until: Until
}): UsageEntry {
  const { origin, exchange, status, reader, until } = options
  const count = reader?.count()
  const asked = exchange.asked
  const atMost = until === 'now' || count?.complete ? undefined : asked
  const maxTokens = atMost?.maxTokens ?? 0
  const fetched = atMost?.fetchedTokens ?? 0
  // Trusts the origin for the model's name: the caller could name any.
  const claimed = asked ? asked.model : (exchange.model ?? null)
  const model = modelKey(count?.model ?? pricedName(claimed ?? ''))
  const entry: UsageEntry = { ...origin, model, ...noUsage, requests: 1 }
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
      estimatedTokens: Math.max(tokenCount(guess), tokenCount(reported)),
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
    estimatedTokens: tokenCount(all) + tokenCount(unreported),
  }
}

function modelKey(model: string | null): string {
  if (model === null) return 'unknown'
  return pricedName(model) ?? (/^[\w.:@/[\]-]{1,80}$/.test(model) ? model : 'unknown')
}
