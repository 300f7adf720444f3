import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { messageOf, UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { loadSettings } from '../config/load-settings.ts'
import { checkoutRoot, stateRoot } from '../config/paths.ts'
import { TenantName } from '../config/tenants.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import { hasCredential } from '../stack/credential.ts'
import { stackIdentity } from '../stack/identity.ts'
import { readCredential } from '../stack/state/credential-file.ts'
import { folderSettingsPath } from '../stack/state/owner.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { readUsageReport } from '../usage/read-report.ts'
import { addSums, type KnownRun, type Sums, type UsageReport } from '../usage/report.ts'
import { currentStackName } from './find-stacks.ts'

export type Usage = {
  reports: UsageReport[]
  total: Sums
  /** True when .env has no credential: the gateway does not count the usage of a login. */
  uncountedLogin: boolean
}

/**
 * Reads the gateway's counts for the stack of this folder, for all stacks, or for a tenant of the server.
 * Reads files and needs no engine.
 */
export async function readUsage(options: {
  days: number
  all: boolean
  tenant?: string | undefined
  /** A stack, in place of that of this folder. */
  stack?: string
}): Promise<Usage> {
  const { days, all, tenant } = options
  const here = options.stack === undefined ? null : stateFolder(options.stack).settings
  const place = here ?? (await folderSettingsPath())
  const settings = await loadSettings(checkoutRoot(), undefined, place)
  const { BUDGET_USD_PER_DAY: budget } = settings
  const usd = budget === undefined ? null : Number(budget)
  const reports: UsageReport[] = []
  if (tenant !== undefined) {
    reports.push(await tenantReport(tenant, { days, usd }))
  } else {
    const stacks = all ? await stacksWithState() : [options.stack ?? (await currentStackName())]
    for (const stack of stacks) reports.push(...(await stackReports(stack, { days, usd })))
  }
  const total = addSums(reports.map(report => report.total))
  return { reports, total, uncountedLogin: !hasCredential(settings) }
}

type ReportOptions = { days: number; usd: number | null }

/** A server's usage is that of its tenants. */
async function stackReports(stack: string, options: ReportOptions): Promise<UsageReport[]> {
  if (stack !== serverStack()) return [await stackReport(stack, options)]
  const names = await tenantsWithUsage()
  return Promise.all(names.map(name => tenantReport(name, options)))
}

function serverStack(): string {
  return stackIdentity({ kind: 'server', server: 'main' }).name
}

async function tenantsWithUsage(): Promise<string[]> {
  const { usage } = stateFolder(serverStack())
  const entries = await readdir(usage, { withFileTypes: true }).catch(() => [])
  return entries
    .filter(entry => entry.isDirectory() && TenantName.safeParse(entry.name).success)
    .map(({ name }) => name)
    .sort()
}

async function stackReport(stack: string, { days, usd }: ReportOptions) {
  const { usage: folder, path } = stateFolder(stack)
  return readable(stack, async () => {
    const runs = await knownRuns(join(path, 'runs'))
    return readUsageReport({ folder, stack, days, budget: { usd, tokens: null }, runs })
  })
}

/** Its budget is the one that the gateway has; the server's runs are in its own store. */
async function tenantReport(name: string, { days, usd }: ReportOptions) {
  const stack = serverStack()
  const state = stateFolder(stack)
  const caller = (await readCredential(state))?.callers?.find(({ tenant }) => tenant === name)
  const folder = join(state.usage, name)
  const isTenant = TenantName.safeParse(name).success
  if (!isTenant || (!caller && !(await isFolder(folder)))) {
    throw new UserError(`the server has no tenant ${terminalLine(name)}`, {
      hint: 'give a name of tenants.yaml',
    })
  }
  const budget = {
    usd: caller?.budget.usdPerDay ?? usd,
    tokens: caller?.budget.tokensPerDay ?? null,
  }
  return readable(stack, () =>
    readUsageReport({ folder, stack, tenant: name, days, budget, runs: [] }),
  )
}

async function isFolder(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => null))?.isDirectory() ?? false
}

async function readable(stack: string, read: () => Promise<UsageReport>): Promise<UsageReport> {
  try {
    return await read()
  } catch (cause) {
    throw new UserError(`cannot read the usage of ${stack}: ${messageOf(cause)}`, {
      hint: 'run this as the user who started the stack',
      cause,
    })
  }
}

async function stacksWithState(): Promise<string[]> {
  const names = await readdir(join(stateRoot(), 'stacks')).catch(() => [])
  return names.filter(name => name.startsWith('claude-secure-')).sort()
}

const Result = z.object({
  runId: z.string().regex(/^[0-9a-f]{16}$/),
  meter: z.string(),
  workspace: z.string(),
  startedAt: z.string(),
})

const resultBytes = 64 * 1024 * 1024

/** Returns the runs in the stack's store that ended and have a meter; unreadable runs are left out. */
export async function knownRuns(folder: string): Promise<KnownRun[]> {
  const names = await readdir(folder).catch(() => [])
  const runs: KnownRun[] = []
  for (const name of names) {
    const text = await readResult(join(folder, name, 'result.json')).catch(() => '')
    const parsed = Result.safeParse(parseJson(text))
    if (parsed.success) runs.push(parsed.data)
  }
  return runs.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1))
}

async function readResult(path: string): Promise<string> {
  return textOf(await readRegularFile(path, { limit: resultBytes })) ?? ''
}
