import { dayOf, listDays, type ReadDay, readDay } from './day-files.ts'
import { buildUsageReport, type KnownRun, type ReportedBudget, type UsageReport } from './report.ts'

/**
 * Reads the files of the last days, today's included, and reports what they hold. Needs neither an engine
 * nor a running gateway.
 */
export async function readUsageReport(options: {
  /** Holds the files of one stack, or of one tenant of a server. */
  folder: string
  stack: string
  tenant?: string | null
  days: number
  budget: ReportedBudget
  runs: readonly KnownRun[]
  now?: Date
}): Promise<UsageReport> {
  const { folder, days, now = new Date(), ...about } = options
  const today = dayOf(now)
  const since = dayOf(new Date(now.getTime() - (days - 1) * 86_400_000))
  const wanted = (await listDays(folder)).filter(({ day }) => day >= since)
  const read: ReadDay[] = []
  for (const { day } of wanted) read.push(await readDay(folder, day))
  return buildUsageReport({ ...about, days: read, since, today })
}
