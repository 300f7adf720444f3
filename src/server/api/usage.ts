import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { invalid } from '../../tenants/http-error.ts'
import type { SpentToday } from '../../tenants/run-budget.ts'
import { daysKept } from '../../usage/day-files.ts'
import { readUsageReport } from '../../usage/read-report.ts'
import type { SideUsage } from '../openai/side-usage.ts'
import { callerOf } from '../plugins/auth.ts'
import { queryOf } from './run.ts'

/** GET /usage: the gateway's counts of the token's tenant, and what the token itself spent today. */
export function serveUsage(
  app: FastifyInstance,
  options: {
    usageFolder: string
    spentToday: SpentToday
    sideCalls: SideUsage['of']
    now: () => Date
  },
) {
  const { usageFolder, spentToday, sideCalls, now } = options

  app.get('/usage', async request => {
    const { tenant, token } = callerOf(request)
    const days = Number(queryOf(request, 'days') ?? 30)
    if (!Number.isInteger(days) || days < 1 || days > daysKept) {
      throw invalid(['query', 'days'], 'value_error', `must be 1 to ${daysKept}`)
    }
    const report = await readUsageReport({
      folder: join(usageFolder, tenant.name),
      stack: 'server',
      tenant: tenant.name,
      days,
      budget: {
        usd: tenant.budget.usdPerDay ?? null,
        tokens: tenant.budget.tokensPerDay ?? null,
      },
      runs: [],
      now: now(),
    })
    const { stack: _, runs: __, interactive: ___, ...counts } = report
    const spent = await spentToday(token.name)
    return {
      ...counts,
      token: {
        ...{ name: token.name, budget: token.budget, today: spent },
        sideCalls: sideCalls(token.name),
      },
    }
  })
}
