import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { loadSettings } from '../../config/load-settings.ts'
import { checkoutRoot, stateRoot } from '../../config/paths.ts'
import { currentStackName } from '../../operations/find-stacks.ts'
import { credentialMode } from '../../stack/credential.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { dayOf, daysKept, listDays, type ReadDay, readDay } from '../../usage/day-files.ts'
import { addSums, buildUsageReport, type UsageReport } from '../../usage/report.ts'
import { knownRuns } from '../known-runs.ts'
import { renderUsage } from '../render/usage.ts'
import { hasColours } from '../terminal.ts'

const defaultDays = 7

/**
 * Prints what the gateway counted, from its files: no engine is asked, and a stack that is down tells
 * as much as one that runs.
 */
export async function usage(options: { json?: boolean; days?: string; all?: boolean }) {
  const days = parseDays(options.days)
  const settings = await loadSettings(checkoutRoot())
  const budgetUsd =
    settings.BUDGET_USD_PER_DAY === undefined ? null : Number(settings.BUDGET_USD_PER_DAY)
  const stacks = options.all ? await stacksWithState() : [await currentStackName()]
  const reports: UsageReport[] = []
  for (const stack of stacks) reports.push(await reportOf(stack, days, budgetUsd))
  const total = addSums(reports.map(report => report.total))
  if (options.json) {
    console.log(terminalJson({ version: 1, days, stacks: reports, total }))
    return
  }
  if (reports.length === 0) {
    console.log('nothing was used: no stack was ever started here')
    return
  }
  // Of other stacks that used nothing there is nothing to tell, and `clean` leaves their counts.
  const shown = options.all ? reports.filter(({ total }) => total.requests > 0) : reports
  if (shown.length === 0) console.log(`no stack used anything in the last ${days} days (UTC)`)
  else console.log(renderUsage(shown, total, { days, colour: hasColours(process.stdout) }))
  if (total.requests === 0 && credentialMode(settings) === 'login') {
    console.log('\nthere is no key or token in .env, and what a login uses is not counted')
  }
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
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new UserError(`cannot read what ${stack} used: ${reason}`, {
      hint: 'run it as the user who started the stack',
      cause: error,
    })
  }
}

async function stacksWithState(): Promise<string[]> {
  const names = await readdir(join(stateRoot(), 'stacks')).catch(() => [])
  return names.filter(name => name.startsWith('claude-secure-')).sort()
}

function parseDays(text: string | undefined): number {
  if (text === undefined) return defaultDays
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (days >= 1 && days <= daysKept) return days
  throw new UserError(`--days ${terminalLine(text)} is not a number from 1 to ${daysKept}`, {
    hint: './claude.ts usage --days 30 shows the last 30 days',
    exitCode: 2,
  })
}
