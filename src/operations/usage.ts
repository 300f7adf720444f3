import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { messageOf, UserError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { loadSettings } from '../config/load-settings.ts'
import { checkoutRoot, stateRoot } from '../config/paths.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import { hasCredential } from '../stack/credential.ts'
import { folderSettingsPath } from '../stack/state/owner.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { dayOf, listDays, type ReadDay, readDay } from '../usage/day-files.ts'
import {
  addSums,
  buildUsageReport,
  type KnownRun,
  type Sums,
  type UsageReport,
} from '../usage/report.ts'
import { currentStackName } from './find-stacks.ts'

export type Usage = {
  reports: UsageReport[]
  total: Sums
  /** True when .env has no credential: the gateway does not count the usage of a login. */
  uncountedLogin: boolean
}

/** Reads the gateway's counts for the stack of this folder or for all. Reads files and needs no engine. */
export async function readUsage(options: { days: number; all: boolean }): Promise<Usage> {
  const settings = await loadSettings(checkoutRoot(), undefined, await folderSettingsPath())
  const { BUDGET_USD_PER_DAY: budget } = settings
  const budgetUsd = budget === undefined ? null : Number(budget)
  const stacks = options.all ? await stacksWithState() : [await currentStackName()]
  const reports: UsageReport[] = []
  for (const stack of stacks) reports.push(await reportOf(stack, options.days, budgetUsd))
  const total = addSums(reports.map(report => report.total))
  return { reports, total, uncountedLogin: !hasCredential(settings) }
}

async function reportOf(stack: string, days: number, budgetUsd: number | null) {
  const folder = stateFolder(stack)
  const now = new Date()
  const today = dayOf(now)
  const since = dayOf(new Date(now.getTime() - (days - 1) * 86_400_000))
  try {
    const wanted = (await listDays(folder.usage)).filter(({ day }) => day >= since)
    const read: ReadDay[] = []
    for (const { day } of wanted) read.push(await readDay(folder.usage, day))
    const runs = await knownRuns(join(folder.path, 'runs'))
    return buildUsageReport({ stack, days: read, since, today, budgetUsd, runs })
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
