import type { Spent } from '../../tenants/run-budget.ts'
import type { Caller } from '../../tenants/tokens.ts'
import { readUsageReport } from '../../usage/read-report.ts'

/** Returns what the runs of a chat's token cost today, and what its tenant has used. */
export async function readUsageText(options: {
  caller: Caller
  spent: Spent
  /** The gateway's counts of the tenant. */
  folder: string
  now?: Date
}): Promise<string> {
  const { caller, spent, folder, now = new Date() } = options
  const { token, tenant } = caller
  const budget = (usd: number | undefined) => (usd === undefined ? '' : ` of $${usd}`)
  const report = await readUsageReport({
    ...{ folder, stack: 'server', tenant: tenant.name, days: 1, runs: [], now },
    budget: { usd: tenant.budget.usdPerDay ?? null, tokens: tenant.budget.tokensPerDay ?? null },
  })
  const own = `${token.name} today (UTC): $${spent.usd.toFixed(4)}${budget(token.budget.usdPerDay)}, ${spent.tokens} tokens`
  const { estimatedUsd } = report.today
  const all = `tenant ${tenant.name} today: $${estimatedUsd.toFixed(4)}${budget(tenant.budget.usdPerDay)}`
  return `${own}\n${all}`
}
