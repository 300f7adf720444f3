import { addTokens, interactive, noTokens, noUsage, type UsageEntry } from '../../usage/entry.ts'
import { costUsd, maximumUsd, pricedName } from '../../usage/prices.ts'
import { ApiError } from '../api-error.ts'
import type { Exchange } from '../gateway-log.ts'
import { headerValues } from '../http/headers.ts'
import { type AnswerReader, createAnswerReader } from './answer-reader.ts'
import type { Ledger } from './ledger.ts'

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
  const open = new Map<Account, () => UsageEntry>()
  const inFlight = () => [...open.values()].reduce((sum, entry) => sum + entry().estimatedUsd, 0)

  return {
    admit: () => checkDayBudget({ budgetUsd: dayBudgetUsd, ledger, inFlight }),
    begin(meter, exchange) {
      let status: number | null = null
      let reader: AnswerReader | null = null
      const entry = () => usageEntry(meter, exchange, status, reader)
      const account: Account = {
        answered(code, headers) {
          status = code
          reader = code < 300 ? createAnswerReader(headers) : null
          return reader?.write
        },
        end() {
          open.delete(account)
          ledger.add(entry())
        },
      }
      open.set(account, entry)
      return account
    },
    close: () => ledger.close(),
  }
}

/** Builds the usage entry of a request from what is known so far. */
function usageEntry(
  meter: string,
  exchange: Exchange,
  status: number | null,
  reader: AnswerReader | null,
): UsageEntry {
  const count = reader?.count()
  // Trusts the origin for the model's name: the caller could name any.
  const model = modelKey(count?.model ?? pricedName(exchange.model ?? ''))
  const entry: UsageEntry = { meter, model, ...noUsage, requests: 1 }
  // The origin refused or never received the request: Anthropic charges for answers only.
  if (status === null ? exchange.broken === undefined : status >= 300)
    return { ...entry, errors: 1 }

  const sent = Math.ceil((exchange.request?.bytes ?? 0) / tokenBytes)
  const received = Math.ceil((exchange.answer?.bytes ?? 0) / tokenBytes)
  const broken = exchange.broken !== undefined || count?.complete === false ? 1 : 0
  if (!count?.counted) {
    const reported = count?.usage.tokens ?? noTokens
    const guess = { ...noTokens, input: sent, output: received }
    const terms = { fast: status !== null, unitedStates: false }
    // A caller that left before the answer received nothing; the model name is the caller's own claim.
    const asked = status === null ? costUsd(model, guess, terms) : null
    return {
      ...entry,
      broken,
      uncounted: 1,
      estimatedUsd: asked ?? Math.max(maximumUsd(guess, terms), maximumUsd(reported, terms)),
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
  const unreported = { ...noTokens, output: Math.max(0, unreportedOutput - tokens.output) }
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

/**
 * Throws when the day's budget is used up; null means no budget. `inFlight` is the cost so far of
 * answers that have not ended. Uses status 402, because Claude Code shows its message at once and does
 * not retry: it takes 403 for a bad login, retries 400 six times, and takes 429 and 503 for transient
 * errors.
 */
export function checkDayBudget(options: {
  budgetUsd: number | null
  ledger: Pick<Ledger, 'failure' | 'estimatedToday'>
  inFlight: () => number
}): void {
  const { budgetUsd, ledger, inFlight } = options
  if (budgetUsd === null) return
  const failure = ledger.failure()
  if (failure !== null) {
    throw new ApiError(
      503,
      'api_error',
      `claude-secure: a budget is set, but the gateway cannot record usage (${failure}). On the host: check free space and the owner of the stack's usage folder, then run ./claude.ts logs gateway.`,
    )
  }
  const used = ledger.estimatedToday() + inFlight()
  if (used < budgetUsd) return
  throw new ApiError(
    402,
    'billing_error',
    `claude-secure: the budget of this day (UTC) is used up: $${used.toFixed(4)} of $${budgetUsd}. On the host: run ./claude.ts usage for details; to continue, raise BUDGET_USD_PER_DAY in .env, then run ./claude.ts stop and ./claude.ts start.`,
  )
}
