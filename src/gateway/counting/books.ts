import type { Caller } from '../credential.ts'
import { type Accounting, createAccounting } from './accounting.ts'
import type { DayBudget } from './day-budget.ts'
import type { Ledger } from './ledger.ts'
import { createRunNames, type RunNames } from './run-names.ts'

/** What is kept for one caller: no tenant's budget, usage or run names touch another's. */
export type Book = { accounting: Accounting; names: RunNames }

export interface Books {
  /** Returns the caller's book, with the caller's present budget. */
  of(caller: Caller): Promise<Book>
  /** Writes all that is counted. */
  close(): Promise<void>
}

export function createBooks(options: {
  /** Opens the usage of a tenant; of the whole stack for null. */
  openLedger: (tenant: string | null) => Promise<Ledger>
  /** Dollars of a caller without a budget of its own; null for no limit. */
  usdPerDay: number | null
}): Books {
  const { openLedger, usdPerDay } = options
  const books = new Map<string | null, Promise<Book>>()
  const budgets = new Map<string | null, DayBudget>()

  function budgetOf({ tenant, budget }: Caller): DayBudget {
    return { tenant, usd: budget.usdPerDay ?? usdPerDay, tokens: budget.tokensPerDay ?? null }
  }

  async function open(tenant: string | null): Promise<Book> {
    const ledger = await openLedger(tenant)
    const unlimited = { tenant, usd: null, tokens: null }
    const accounting = createAccounting({
      ledger,
      budget: () => budgets.get(tenant) ?? unlimited,
    })
    return { accounting, names: createRunNames() }
  }

  return {
    async of(caller) {
      const { tenant } = caller
      budgets.set(tenant, budgetOf(caller))
      const book = books.get(tenant) ?? open(tenant)
      books.set(tenant, book)
      // A later request opens it again.
      book.catch(() => books.delete(tenant))
      return book
    },
    async close() {
      await Promise.all([...books.values()].map(async book => (await book).accounting.close()))
    },
  }
}
