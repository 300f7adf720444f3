import type { DayBudget, StoredToken } from '../config/tenants.ts'
import { HttpError } from './http-error.ts'

export type Spent = { usd: number; tokens: number }

/** Returns what the runs of a token cost today (UTC). */
export type SpentToday = (owner: string) => Spent | Promise<Spent>

/** The share of a budget that a run may use, given back when the run has ended. */
export type Share = { maxBudgetUsd: number | undefined; release: () => void }

/**
 * Holds the budgets of tokens: each run is started with at most what is left after all that runs in
 * progress may still use. A token budget is checked before each run alone, as Claude Code has no limit of
 * tokens; the gateway holds the tenant's.
 */
export function createRunBudgets(spentToday: SpentToday) {
  const reserved = new Map<string, number>()

  return {
    /** Throws when nothing is left. */
    async take({ name, budget }: StoredToken, asked: number | undefined): Promise<Share> {
      if (isUnlimited(budget)) return { maxBudgetUsd: asked, release: () => {} }
      const spent = await spentToday(name)
      const { usdPerDay, tokensPerDay } = budget
      if (tokensPerDay !== undefined && spent.tokens >= tokensPerDay) {
        throw usedUp(name, `${spent.tokens} of ${tokensPerDay} tokens`)
      }
      if (usdPerDay === undefined) return { maxBudgetUsd: asked, release: () => {} }
      if (spent.usd >= usdPerDay) {
        throw usedUp(name, `$${spent.usd.toFixed(4)} of $${usdPerDay}`)
      }
      const held = reserved.get(name) ?? 0
      const left = usdPerDay - spent.usd - held
      if (left <= 0) {
        const text = `runs in progress may use up the budget of token ${name} for this day (UTC): wait for them, or start runs with maxBudgetUsd`
        throw new HttpError(429, text, { headers: { 'retry-after': '10' } })
      }
      const share = Math.min(asked ?? left, left)
      reserved.set(name, held + share)
      let isHeld = true
      const release = () => {
        if (isHeld) reserved.set(name, Math.max(0, (reserved.get(name) ?? 0) - share))
        isHeld = false
      }
      return { maxBudgetUsd: share, release }
    },
  }
}

function isUnlimited({ usdPerDay, tokensPerDay }: DayBudget) {
  return usdPerDay === undefined && tokensPerDay === undefined
}

function usedUp(name: string, used: string) {
  return new HttpError(402, `the budget of token ${name} for this day (UTC) is used up: ${used}`)
}
