import t from 'tap'
import { ApiError } from '../../../../src/gateway/api-error.ts'
import { createBooks } from '../../../../src/gateway/counting/books.ts'
import type { Caller } from '../../../../src/gateway/credential.ts'

const caller = (tenant: string | null, budget: Caller['budget'] = {}): Caller => ({
  ...{ tenant, budget },
  placeholder: `sk-ant-api03-of-${tenant}`,
})

function books(usdPerDay: number | null = null, spent = { usd: 5, tokens: 500 }) {
  const opened: (string | null)[] = []
  const closed: (string | null)[] = []
  const open = createBooks({
    openLedger: async tenant => {
      opened.push(tenant)
      return {
        add: () => {},
        today: () => spent,
        failure: () => null,
        flush: async () => {},
        close: async () => void closed.push(tenant),
      }
    },
    usdPerDay,
  })
  return { books: open, opened, closed }
}

t.test('a tenant has one book, even if two requests come at once', async t => {
  const { books: all, opened, closed } = books()
  const [first, second] = await Promise.all([all.of(caller('blue')), all.of(caller('blue'))])
  t.equal(first, second)
  t.not(await all.of(caller('red')), first)
  t.strictSame(opened, ['blue', 'red'])
  await all.close()
  t.strictSame(closed.sort(), ['blue', 'red'])
})

t.test('the budget is the one of the last request', async t => {
  const { books: all } = books()
  const admit = async (budget: Caller['budget']) =>
    (await all.of(caller('blue', budget))).accounting.admit()
  await t.rejects(admit({ usdPerDay: 5 }), ApiError)
  await t.resolves(admit({ usdPerDay: 6 }))
  await t.rejects(admit({ usdPerDay: 6, tokensPerDay: 500 }), ApiError)
  await t.resolves(admit({}))
})

t.test("the stack's budget is that of a caller without one", async t => {
  const { books: all } = books(5)
  const admit = async (of: Caller) => (await all.of(of)).accounting.admit()
  await t.rejects(admit(caller(null)), /BUDGET_USD_PER_DAY/)
  await t.rejects(admit(caller('blue')), /tenant blue/)
  await t.resolves(admit(caller('red', { usdPerDay: 50 })))
})
